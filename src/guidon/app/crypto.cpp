// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/crypto.hpp"

#include <array>
#include <cstdlib>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace guidon::app {
namespace {

void Require(bool held) {
  if (!held) std::abort();
}

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

struct FreeMac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

struct FreeCipher {
  void operator()(EVP_CIPHER* algorithm) const { EVP_CIPHER_free(algorithm); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

struct FreeDigest {
  void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::unique_ptr<EVP_MAC_CTX, FreeMac> NewHmacContext() {
  const std::unique_ptr<EVP_MAC, FreeMac> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  Require(mac != nullptr);
  std::unique_ptr<EVP_MAC_CTX, FreeMac> context(EVP_MAC_CTX_new(mac.get()));
  Require(context != nullptr);
  std::array<char, 7> digest = {"SHA256"};
  const std::array<OSSL_PARAM, 2> parameters = {OSSL_PARAM_construct_utf8_string("digest", digest.data(), 0),
                                                OSSL_PARAM_construct_end()};
  Require(EVP_MAC_CTX_set_params(context.get(), parameters.data()) == 1);
  return context;
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::string digest(kSha256Bytes, '\0');
  unsigned size = 0;
  // Looking the algorithm up costs more than the sum of a short text, and a list of keys has a million of those.
  thread_local const std::unique_ptr<EVP_MD, FreeDigest> kAlgorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeDigest> kContext(EVP_MD_CTX_new());
  Require(kAlgorithm != nullptr && kContext != nullptr);
  Require(EVP_DigestInit_ex2(kContext.get(), kAlgorithm.get(), nullptr) == 1);
  Require(EVP_DigestUpdate(kContext.get(), bytes.data(), bytes.size()) == 1);
  Require(EVP_DigestFinal_ex(kContext.get(), reinterpret_cast<unsigned char*>(digest.data()), &size) == 1);
  Require(size == kSha256Bytes);
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  // Looking the algorithm up costs more than the sum itself, and every request with a key asks for one.
  thread_local const std::unique_ptr<EVP_MAC_CTX, FreeMac> kContext = NewHmacContext();
  std::string digest(kSha256Bytes, '\0');
  std::size_t size = 0;
  // A null key would mean "the one from last time".
  static constexpr unsigned char kEmpty = 0;
  Require(EVP_MAC_init(kContext.get(), key.empty() ? &kEmpty : Bytes(key), key.size(), nullptr) == 1);
  Require(EVP_MAC_update(kContext.get(), Bytes(bytes), bytes.size()) == 1);
  Require(EVP_MAC_final(kContext.get(), reinterpret_cast<unsigned char*>(digest.data()), &size, digest.size()) == 1);
  Require(size == kSha256Bytes);
  return digest;
}

std::string Aes256Ctr(std::string_view key, std::string_view iv, std::string_view bytes) {
  thread_local const std::unique_ptr<EVP_CIPHER, FreeCipher> kAlgorithm(
      EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr));
  thread_local const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> kContext(EVP_CIPHER_CTX_new());
  Require(kAlgorithm != nullptr && kContext != nullptr && key.size() == 32 && iv.size() == 16);
  std::string out(bytes.size(), '\0');
  int size = 0;
  Require(EVP_EncryptInit_ex2(kContext.get(), kAlgorithm.get(), Bytes(key), Bytes(iv), nullptr) == 1);
  Require(EVP_EncryptUpdate(kContext.get(), reinterpret_cast<unsigned char*>(out.data()), &size, Bytes(bytes),
                            static_cast<int>(bytes.size())) == 1);
  Require(static_cast<std::size_t>(size) == bytes.size());
  return out;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace guidon::app
