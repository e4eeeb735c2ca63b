// tls/certificates.h (tests): certificate authorities and certificates made while the test runs
//
// Keys are ECDSA P-256 unless it says otherwise. Faults of the making throw.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace postseal::tls {

// What a TLS server shows: its chain and key in PEM form.
struct Identity {
    std::string chain;
    std::string key;
};

struct Subject {
    std::string common_name;
    std::vector<std::string> dns_names;
    std::chrono::days begins{-1}; // from today
    std::chrono::days ends{30};
    bool for_servers = true; // else for clients
    unsigned rsa_bits = 0;   // 0: ECDSA
};

class Authority {
  public:
    explicit Authority(const std::string& common_name);

    [[nodiscard]] Identity issue(const Subject& subject) const;
    // A certificate of an authority below this one, which `ends` then, and of a server below that.
    [[nodiscard]] Identity issue_by_intermediate(const Subject& subject,
                                                 std::chrono::days ends) const;
    // The same, and before that authority's certificate one for its key that has expired.
    [[nodiscard]] Identity issue_by_twins(const Subject& subject) const;
    // By an authority below this one whose RSA key has so many bits.
    [[nodiscard]] Identity issue_by_weak(const Subject& subject, unsigned rsa_bits) const;
    // Signed with SHA-1.
    [[nodiscard]] Identity issue_with_sha1(const Subject& subject) const;
    [[nodiscard]] const std::string& pem() const { return certificate_; }
    // A certificate of the same name and another key, which has expired and began later, without
    // key identifiers: what GnuTLS takes for the issuer.
    [[nodiscard]] std::string expired_twin() const;

  private:
    std::string name_;
    std::string certificate_;
    std::string key_;
};

[[nodiscard]] Identity self_signed(const Subject& subject);

// Today and so many days, as reasons write it.
[[nodiscard]] std::string date_in(std::chrono::days days);

// A file with that content while it is in scope.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& content);
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile();
    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

} // namespace postseal::tls
