// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/curl_library.hpp"

#include <mutex>

#include <dlfcn.h>

namespace guidon::aws {
namespace {

bool LoadInto(CurlLibrary& library) {
  void* handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return false;
  bool complete = true;
  const auto load = [&]<class Function>(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(handle, name));
    complete = complete && function != nullptr;
  };
  load(library.global_init, "curl_global_init");
  load(library.easy_init, "curl_easy_init");
  load(library.easy_setopt, "curl_easy_setopt");
  load(library.easy_getinfo, "curl_easy_getinfo");
  load(library.easy_reset, "curl_easy_reset");
  load(library.easy_cleanup, "curl_easy_cleanup");
  load(library.easy_strerror, "curl_easy_strerror");
  load(library.slist_append, "curl_slist_append");
  load(library.slist_free_all, "curl_slist_free_all");
  load(library.multi_init, "curl_multi_init");
  load(library.multi_setopt, "curl_multi_setopt");
  load(library.multi_add_handle, "curl_multi_add_handle");
  load(library.multi_remove_handle, "curl_multi_remove_handle");
  load(library.multi_perform, "curl_multi_perform");
  load(library.multi_poll, "curl_multi_poll");
  load(library.multi_wakeup, "curl_multi_wakeup");
  load(library.multi_info_read, "curl_multi_info_read");
  load(library.multi_cleanup, "curl_multi_cleanup");
  return complete && library.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

}  // namespace

base::Result<const CurlLibrary*> CurlLibrary::Load() {
  static std::mutex mutex;
  static CurlLibrary library;
  static bool loaded = false;
  const std::lock_guard lock(mutex);
  loaded = loaded || LoadInto(library);
  if (loaded) return &library;
  return base::Fail(base::ErrorCode::kUnavailable,
                    "the HTTP client library libcurl.so.4 cannot be loaded; install the package libcurl4");
}

}  // namespace guidon::aws
