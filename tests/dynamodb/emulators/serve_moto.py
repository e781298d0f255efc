# SPDX-License-Identifier: Apache-2.0
"""moto's server, one request at a time: `serve_moto.py PORT`, on the loopback address.

moto's own program answers several at once without a lock: writes get lost, and a cancelled transaction puts back the
whole table as it was, with what others have written since. One after another, each is whole.
"""

import logging
import sys

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request says nothing
    run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
