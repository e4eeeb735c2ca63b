// SPDX-License-Identifier: BSD-3-Clause
#include "https/exchange.h"

#include "async/block_on.h"
#include "async/timeout.h"
#include "https/response.h"
#include "tls/certificates.h"
#include "tls/tls_server.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <future>

namespace postseal::https {
namespace {

using namespace tls;

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::days;

const std::string host = "mta-sts.example.com";
const std::string text = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";

std::string answer(const std::string& body) {
    return fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}", body.size(),
        body);
}

// One authority for all tests of this file, and the trust in it.
struct World {
    Authority authority{"Test Root"};
    TemporaryFile ca_file{authority.pem()};
    std::shared_ptr<const Trust> trust = Trust::load(ca_file.path()).value();
    Identity good = authority.issue({.common_name = host, .dns_names = {host}});

    static const World& get() {
        static const World world;
        return world;
    }
};

FetchResult fetch_from(std::vector<Address> addresses, std::uint16_t port, milliseconds limit = 10s,
                       std::shared_ptr<const Trust> trust = World::get().trust) {
    async::UvLoop loop;
    return async::block_on(loop, exchange(loop, std::move(trust),
                                          {.host = host,
                                           .addresses = std::move(addresses),
                                           .port = port,
                                           .left = limit,
                                           .limit = limit}));
}

FetchResult fetch_from(const TlsServer& server, milliseconds limit = 10s) {
    return fetch_from({server.address()}, server.port(), limit);
}

FetchError error_of(const FetchResult& result) {
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

const std::string place = host + " [127.0.0.1]: ";

FetchError error_with(const Identity& identity) {
    const TlsServer server(identity, answer_with(answer(text)));
    return error_of(fetch_from(server));
}

FetchError error_with(Behaviour behave, milliseconds limit = 10s) {
    const TlsServer server(World::get().good, std::move(behave));
    return error_of(fetch_from(server, limit));
}

TEST_CASE("exchange: a policy comes as it is served") {
    std::promise<std::string> request;
    std::promise<std::string> server_name;
    const TlsServer server(World::get().good, [&](ServerConnection& client) {
        client.handshake();
        server_name.set_value(client.server_name());
        request.set_value(client.read_request());
        client.send(answer(text));
        client.bye();
    });
    const FetchResult result = fetch_from(server);
    REQUIRE(result.has_value());
    CHECK(result->body == text);
    CHECK(result->policy == mtasts::parse_policy(text).value());
    CHECK(server_name.get_future().get() == host);
    CHECK(request.get_future().get() == "GET /.well-known/mta-sts.txt HTTP/1.1\r\n"
                                        "Host: mta-sts.example.com\r\n"
                                        "User-Agent: postseal/" POSTSEAL_VERSION "\r\n"
                                        "Accept: text/plain\r\n"
                                        "Connection: close\r\n\r\n");
}

TEST_CASE("exchange: the Date of the answer, and who said so") {
    std::string dated = answer(text);
    dated.insert(dated.find("\r\n") + 2, "Date: Sun, 22 Nov 2026 08:49:37 GMT\r\n");
    const TlsServer with(World::get().good, answer_with(dated));
    const FetchResult result = fetch_from(with);
    REQUIRE(result.has_value());
    CHECK(rfc3339(result->date.value()) == "2026-11-22T08:49:37Z");
    CHECK(result->address == "127.0.0.1");
    const TlsServer without(World::get().good, answer_with(answer(text)));
    CHECK(fetch_from(without).value().date == std::nullopt);
}

TEST_CASE("exchange: TLS 1.2 and 1.3 are spoken, nothing older") {
    for (const char* version : {"1.2", "1.3"}) {
        CAPTURE(version);
        const TlsServer server(World::get().good, answer_with(answer(text)),
                               {.priority = fmt::format("NORMAL:-VERS-ALL:+VERS-TLS{}", version)});
        CHECK(fetch_from(server).has_value());
    }
    for (const char* version : {"1.0", "1.1"}) {
        CAPTURE(version);
        const TlsServer server(World::get().good, answer_with(answer(text)),
                               {.priority = fmt::format("NORMAL:-VERS-ALL:+VERS-TLS{}", version)});
        const FetchError error = error_of(fetch_from(server));
        CHECK(error.fault == FetchFault::tls);
        CHECK(error.reason.starts_with(place + "the server has no TLS 1.2 or later"));
    }
}

TEST_CASE("exchange: certificates whose names cover the host") {
    const Authority& ca = World::get().authority;
    const std::vector<std::vector<std::string>> covering{
        {"*.example.com"}, {"other.example", host}, {"MTA-STS.example.COM"}};
    for (const auto& names : covering) {
        CAPTURE(names.front());
        const TlsServer server(ca.issue({.common_name = "x", .dns_names = names}),
                               answer_with(answer(text)));
        CHECK(fetch_from(server).has_value());
    }
    const TlsServer server(
        ca.issue_by_intermediate({.common_name = "", .dns_names = {host}}, days(30)),
        answer_with(answer(text)));
    CHECK(fetch_from(server).has_value());
}

TEST_CASE("exchange: certificates whose names do not") {
    const Authority& ca = World::get().authority;
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
        {{"example.com"}, "certificate is for example.com"},
        {{"*.mta-sts.example.com"}, "certificate is for *.mta-sts.example.com"},
        {{"*.com"}, "certificate is for *.com"},
        {{"mta-*.example.com"}, "certificate is for mta-*.example.com"},
        {{"a.example", "b.example", "c.example", "d.example", "e.example"},
         "certificate is for a.example, b.example, c.example and 2 more names"},
        // RFC 8461 section 3.3 wants a DNS-ID: the common name is not looked at
        {{}, "certificate names no host in subjectAltName (subject CN=mta-sts.example.com)"},
    };
    for (const auto& [names, reason] : cases) {
        CAPTURE(reason);
        CHECK(error_with(ca.issue({.common_name = host, .dns_names = names})) ==
              FetchError{FetchFault::cert_name, place + reason});
    }
}

TEST_CASE("exchange: certificates out of their time") {
    const Authority& ca = World::get().authority;
    CHECK(error_with(ca.issue({"", {host}, days(-30), days(-2)})) ==
          FetchError{FetchFault::cert_expired,
                     place + "certificate expired on " + date_in(days(-2))});
    CHECK(error_with(ca.issue({"", {host}, days(2), days(30)})) ==
          FetchError{FetchFault::cert_expired,
                     place + "certificate is not valid before " + date_in(days(2))});
    CHECK(
        error_with(ca.issue_by_intermediate({.common_name = "", .dns_names = {host}}, days(-3))) ==
        FetchError{FetchFault::cert_expired, place +
                                                 "intermediate certificate CN=Middle CA "
                                                 "expired on " +
                                                 date_in(days(-3))});
    CHECK(error_with(ca.issue({"", {"a.example"}, days(-30), days(-2)})) ==
          FetchError{FetchFault::cert_expired, place + "certificate expired on " +
                                                   date_in(days(-2)) +
                                                   "; certificate is for a.example"});
}

TEST_CASE("exchange: an expired intermediate before the good one of its name does no harm") {
    const TlsServer server(
        World::get().authority.issue_by_twins({.common_name = "", .dns_names = {host}}),
        answer_with(answer(text)));
    CHECK(fetch_from(server).has_value());
    // The name still counts, and so does an end that nothing makes up for.
    CHECK(error_with(World::get().authority.issue_by_twins(
                         {.common_name = "", .dns_names = {"a.example"}}))
              .reason.contains("certificate is for a.example"));
    CHECK(error_with(World::get().authority.issue_by_intermediate(
                         {.common_name = "", .dns_names = {host}}, days(-3)))
              .fault == FetchFault::cert_expired);
}

TEST_CASE("exchange: an expired root before the good one of its name does no harm") {
    const Authority& ca = World::get().authority;
    const TemporaryFile file(ca.expired_twin() + ca.pem());
    const auto trust = Trust::load(file.path()).value();
    CHECK(trust->roots() == 1);
    const TlsServer server(World::get().good, answer_with(answer(text)));
    CHECK(fetch_from({server.address()}, server.port(), 10s, trust).has_value());
    // Nothing else is there: it is loaded, and the fault is named.
    const TemporaryFile alone(ca.expired_twin());
    CHECK(Trust::load(alone.path()).value()->roots() == 1);
}

TEST_CASE("exchange: keys and signatures below web PKI's floor") {
    const Authority& ca = World::get().authority;
    const Subject subject{.common_name = "", .dns_names = {host}};
    Subject weak = subject;
    weak.rsa_bits = 1024;
    CHECK(error_with(ca.issue(weak)) ==
          FetchError{FetchFault::cert_untrusted,
                     place + "certificate has an RSA key of 1024 bits, not 2048 or more"});
    weak.rsa_bits = 2048;
    const TlsServer server(ca.issue(weak), answer_with(answer(text)));
    CHECK(fetch_from(server).has_value());
    CHECK(error_with(ca.issue_by_weak(subject, 1024)) ==
          FetchError{FetchFault::cert_untrusted,
                     place + "intermediate certificate CN=Middle CA has an RSA key of 1024 bits, "
                             "not 2048 or more"});
    CHECK(error_with(ca.issue_with_sha1(subject)) ==
          FetchError{FetchFault::cert_untrusted,
                     place + "certificate has a signature with ECDSA-SHA1, not SHA-256 or better"});
}

TEST_CASE("exchange: certificates that nobody vouches for") {
    const Authority& ca = World::get().authority;
    CHECK(error_with(self_signed({.common_name = host, .dns_names = {host}})) ==
          FetchError{FetchFault::cert_untrusted,
                     place + "certificate is self-signed (subject CN=mta-sts.example.com)"});
    const Authority other("Other Root");
    CHECK(error_with(other.issue({.common_name = host, .dns_names = {host}})) ==
          FetchError{FetchFault::cert_untrusted,
                     place + "certificate has no chain to the trust store (issuer CN=Other Root)"});
    // The same name as the root that is trusted, but another key.
    const Authority twin("Test Root");
    CHECK(error_with(twin.issue({.common_name = host, .dns_names = {host}})).fault ==
          FetchFault::cert_untrusted);
    CHECK(
        error_with(ca.issue({.common_name = host, .dns_names = {host}, .for_servers = false})) ==
        FetchError{FetchFault::cert_untrusted,
                   place + "certificate is not for TLS servers (subject CN=mta-sts.example.com)"});
    const FetchError all = error_with(self_signed({"x", {"a.example"}, days(-9), days(-2)}));
    CHECK(all.fault == FetchFault::cert_untrusted);
    CHECK(all.reason.find("self-signed") != std::string::npos);
    CHECK(all.reason.find("certificate is for a.example") != std::string::npos);
}

TEST_CASE("exchange: what a certificate says of itself is made printable") {
    const FetchError error = error_with(
        self_signed({.common_name = "evil\x1b[31m\n", .dns_names = {"a\nb.example\x07"}}));
    CHECK(error.fault == FetchFault::cert_untrusted);
    for (const char c : error.reason)
        CHECK((c >= ' ' && c <= '~'));
}

TEST_CASE("exchange: answers that are no policy") {
    const std::vector<std::tuple<std::string, FetchFault, std::string>> cases{
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", FetchFault::status,
         "status 404, not 200"},
        {"HTTP/1.1 301 Moved\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n",
         FetchFault::status,
         "status 301, a redirect to https://example.com/, which RFC 8461 section 3.3 forbids to "
         "follow"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", FetchFault::media_type,
         "no media type; it must be text/plain"},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
         FetchFault::media_type, "media type text/html, not text/plain"},
        {"SSH-2.0-x\r\n", FetchFault::http, "malformed HTTP: "},
        {"", FetchFault::http, "the connection was closed before the answer"},
        {"HTTP/1.1 200 OK\r\nContent-", FetchFault::http, "the connection was closed in the head"},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nver",
         FetchFault::http, "the connection was closed in the body, after 3 octets"},
        {answer(std::string(70'000, 'x')), FetchFault::too_large,
         "a body of 70000 octets, more than 65536"},
        {answer("version: STSv1\nmode: enforce\nmax_age: 1\n"), FetchFault::policy, "no policy: "},
        {answer("<html>\n"), FetchFault::policy, "no policy: line 1: "},
        {answer(""), FetchFault::policy, "no policy: "},
    };
    for (const auto& [octets, fault, reason] : cases) {
        CAPTURE(reason);
        const FetchError error = error_with(answer_with(octets));
        CAPTURE(error.reason);
        CHECK(error.fault == fault);
        CHECK(error.reason.starts_with(place + reason));
    }
}

TEST_CASE("exchange: a chunked answer, and one octet at a time") {
    const std::string chunked = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        "{:x}\r\n{}\r\n0\r\n\r\n",
        text.size(), text);
    const TlsServer whole(World::get().good, answer_with(chunked));
    CHECK(fetch_from(whole).has_value());
    const TlsServer slow(World::get().good, [&](ServerConnection& client) {
        client.handshake();
        client.read_request();
        for (std::size_t i = 0; i < chunked.size(); i++)
            client.send(std::string_view(chunked).substr(i, 1));
        client.wait_for_close();
    });
    const FetchResult result = fetch_from(slow);
    REQUIRE(result.has_value());
    CHECK(result->body == text);
}

TEST_CASE("exchange: an answer without length counts only if TLS says that it has ended") {
    const std::string open = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + text;
    const TlsServer honest(World::get().good, answer_with(open));
    CHECK(fetch_from(honest).has_value());
    const FetchError cut = error_with([&](ServerConnection& client) {
        client.handshake();
        client.read_request();
        client.send(open);
    });
    CHECK(cut == FetchError{FetchFault::http,
                            place + fmt::format("the connection was cut in the body, after {} "
                                                "octets",
                                                text.size())});
}

TEST_CASE("exchange: heads and bodies without end are cut off") {
    const auto endless = [](const std::string& start, const std::string& more) {
        return [start, more](ServerConnection& client) {
            client.handshake();
            client.read_request();
            client.send(start);
            while (client.send(more)) {
            }
        };
    };
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    const std::string block(4096, 'x');
    CHECK(error_with(endless(head + "X: ", block)) ==
          FetchError{FetchFault::too_large, place + "a head of more than 16384 octets"});
    CHECK(error_with(endless(head + "\r\n", block)) ==
          FetchError{FetchFault::too_large, place + "a body of more than 65536 octets"});
    CHECK(error_with(
              endless(head + "Transfer-Encoding: chunked\r\n\r\n", "1000\r\n" + block + "\r\n"))
              .fault == FetchFault::too_large);
    CHECK(error_with(endless("HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 103 x\r\n\r\n")).fault ==
          FetchFault::too_large);
}

TEST_CASE("exchange: a host that stops at any stage costs the time limit, no more") {
    const auto begin = std::chrono::steady_clock::now();
    const FullListener full("127.0.0.1");
    CHECK(error_of(fetch_from({address_of("127.0.0.1")}, full.port(), 100ms)) ==
          FetchError{FetchFault::timeout, host + " [127.0.0.1] no connection within 100 ms"});
    CHECK(error_with([](ServerConnection& client) { client.wait_for_close(); }, 100ms) ==
          FetchError{FetchFault::timeout, place + "the TLS handshake did not end within 100 ms"});
    CHECK(error_with(
              [](ServerConnection& client) {
                  client.handshake();
                  client.wait_for_close();
              },
              700ms) ==
          FetchError{FetchFault::timeout,
                     place + "no complete answer within 700 ms; stopped before the answer"});
    CHECK(error_with(
              [](ServerConnection& client) {
                  client.handshake();
                  client.read_request();
                  client.send("HTTP/1.1 200 OK\r\n");
                  client.wait_for_close();
              },
              700ms) ==
          FetchError{FetchFault::timeout,
                     place + "no complete answer within 700 ms; stopped in the head"});
    CHECK(error_with(
              [](ServerConnection& client) {
                  client.handshake();
                  client.read_request();
                  for (const char c : answer(text).substr(0, answer(text).size() - 1)) {
                      if (!client.send({&c, 1})) return;
                      std::this_thread::sleep_for(5ms);
                  }
                  client.wait_for_close();
              },
              700ms)
              .fault == FetchFault::timeout);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("exchange: a host that closes at any stage") {
    CHECK(error_with([](ServerConnection& client) { client.read_raw(); }) ==
          FetchError{FetchFault::tls, place + "the connection was closed in the TLS handshake"});
    CHECK(error_with([](ServerConnection& client) {
              client.read_raw();
              client.reset();
          }) ==
          FetchError{FetchFault::connect, place + "Connection reset by peer in the TLS handshake"});
    const FetchError plain = error_with([](ServerConnection& client) {
        client.send_raw("HTTP/1.1 400 Bad Request\r\n\r\n");
        client.wait_for_close();
    });
    CHECK(plain.fault == FetchFault::tls);
    CHECK(plain.reason.starts_with(place + "TLS handshake: "));
    const FetchError silent = error_with([](ServerConnection& client) {
        client.handshake();
        client.read_request();
    });
    CHECK(silent ==
          FetchError{FetchFault::http, place + "the connection was cut before the answer"});
    const FetchError cut = error_with([](ServerConnection& client) {
        client.handshake();
        client.read_request();
        client.send("HTTP/1.1 200 OK\r\n");
        client.reset();
    });
    CHECK(cut.fault == FetchFault::connect);
    CHECK(cut.reason.starts_with(place + "Connection reset by peer "));
    const FetchError garbage = error_with([](ServerConnection& client) {
        client.handshake();
        client.read_request();
        client.send_raw("\x17\x03\x03\x00\x20 this is not a record of this session"sv);
        client.wait_for_close();
    });
    CHECK(garbage.fault == FetchFault::tls);
}

TEST_CASE("exchange: a refused handshake names the alert") {
    const TlsServer server(World::get().good, answer_with(answer(text)),
                           {.priority = "NORMAL:-KX-ALL:+PSK:-VERS-ALL:+VERS-TLS1.2"});
    const FetchError error = error_of(fetch_from(server));
    CHECK(error.fault == FetchFault::tls);
    CHECK(error.reason == place + "the server refused the TLS handshake: Handshake failed");
}

TEST_CASE("exchange: a refused connection names address and cause") {
    const std::uint16_t port = closed_port("127.0.0.1");
    CHECK(error_of(fetch_from({address_of("127.0.0.1")}, port)) ==
          FetchError{FetchFault::connect, host + " [127.0.0.1] Connection refused"});
    CHECK(error_of(fetch_from({address_of("127.0.0.1"), address_of("::1")}, port)) ==
          FetchError{FetchFault::connect,
                     host + " [::1] Connection refused, [127.0.0.1] Connection refused"});
}

TEST_CASE("exchange: cancelled at each stage, it closes what it has open") {
    const std::vector<Behaviour> stages{
        [](ServerConnection& client) { client.wait_for_close(); },
        [](ServerConnection& client) {
            client.handshake();
            client.wait_for_close();
        },
        [](ServerConnection& client) {
            client.handshake();
            client.read_request();
            client.send(answer(text).substr(0, 70));
            client.wait_for_close();
        },
    };
    for (const Behaviour& behave : stages) {
        const TlsServer server(World::get().good, behave);
        async::UvLoop loop;
        ExchangeRequest request{.host = host,
                                .addresses = {server.address()},
                                .port = server.port(),
                                .left = 60s,
                                .limit = 60s};
        const auto result = async::block_on(
            loop, async::with_timeout(loop, exchange(loop, World::get().trust, std::move(request)),
                                      150ms));
        CHECK_FALSE(result.has_value());
        CHECK(server.wait_ended(1));
    }
}

} // namespace
} // namespace postseal::https
