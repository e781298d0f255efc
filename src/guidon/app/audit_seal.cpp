// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/audit_seal.hpp"

#include "guidon/app/crypto.hpp"
#include "guidon/base/text.hpp"
#include "guidon/store/audit_chain.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::app {

AuditSeal::AuditSeal(std::string_view secret) : key_(HmacSha256(secret, "guidon audit chain")) {}

std::string AuditSeal::HashOf(const store::Item& item) const {
  return base::ToBase64Url(HmacSha256(key_, store::SealedText(item)));
}

bool AuditSeal::Holds(const store::Item& item) const {
  const store::AttributeValue* hash = item.Find(store::kAuditHashAttribute);
  const std::string* text = hash != nullptr ? hash->AsString() : nullptr;
  return text != nullptr && ConstantTimeEqual(*text, HashOf(item));
}

store::Put AuditSeal::Put(store::AuditRecord& record) const {
  record.hash_version = kAuditHashVersion;
  record.hash.clear();
  store::Put put = store::PutAudit(record);
  record.hash = HashOf(put.item);
  put.item.Set(store::kAuditHashAttribute, record.hash);
  return put;
}

}  // namespace guidon::app
