// SPDX-License-Identifier: BSD-3-Clause
#include "tls/trust.h"

#include "tls/certificates.h"

#include <doctest/doctest.h>

namespace postseal::tls {
namespace {

TEST_CASE("trust: each certificate of the file is a root") {
    const TemporaryFile one(Authority("One").pem());
    CHECK(Trust::load(one.path()).value()->roots() == 1);
    const TemporaryFile two(Authority("One").pem() + "a comment\n" + Authority("Two").pem());
    CHECK(Trust::load(two.path()).value()->roots() == 2);
}

TEST_CASE("trust: a file that is not there, no file, or without a certificate is one sentence") {
    CHECK(Trust::load("/nonexistent/ca.pem").error() ==
          "cannot read the CA file /nonexistent/ca.pem: No such file or directory");
    CHECK(Trust::load("/").error() == "cannot read the CA file /: Is a directory");
    const TemporaryFile empty("");
    CHECK(Trust::load(empty.path()).error() ==
          "the CA file " + empty.path() + " has no certificate in PEM form");
    const TemporaryFile other("-----BEGIN CERTIFICATE-----\n");
    CHECK(Trust::load(other.path()).error().find(other.path()) != std::string::npos);
    const TemporaryFile noise("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    CHECK(Trust::load(noise.path()).error().find(noise.path()) != std::string::npos);
}

} // namespace
} // namespace postseal::tls
