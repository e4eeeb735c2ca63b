// https/certificates.h (tests): certificate authorities and certificates made while the test runs
//
// Keys are ECDSA P-256. Faults of the making throw. SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace postseal::https {

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
};

class Authority {
  public:
    explicit Authority(const std::string& common_name);

    [[nodiscard]] Identity issue(const Subject& subject) const;
    // A certificate of an authority below this one, which `ends` then, and of a server below that.
    [[nodiscard]] Identity issue_by_intermediate(const Subject& subject,
                                                 std::chrono::days ends) const;
    [[nodiscard]] const std::string& pem() const { return certificate_; }

  private:
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

} // namespace postseal::https
