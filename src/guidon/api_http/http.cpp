// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/http.hpp"

namespace guidon::api_http {

std::string_view NameOf(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kHead: return "HEAD";
    case Method::kPost: return "POST";
    case Method::kPut: return "PUT";
    case Method::kPatch: return "PATCH";
    case Method::kDelete: return "DELETE";
    case Method::kOptions: return "OPTIONS";
    case Method::kOther: break;
  }
  return "";
}

void RequestHead::Clear() {
  method = Method::kOther;
  version = 11;
  target = {};
  slots_ = {};
}

void RequestHead::Add(Header header, Slice value) {
  Slot& slot = slots_[static_cast<std::size_t>(header)];
  if (slot.count == 0) slot.value = value;
  ++slot.count;
}

bool TakesGzip(const RequestHead& head) {
  const std::string_view accepted = head.Get(Header::kAcceptEncoding);
  return accepted.contains("gzip") && !accepted.contains("gzip;q=0");
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

}  // namespace guidon::api_http
