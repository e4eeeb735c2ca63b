// SPDX-License-Identifier: BSD-3-Clause
#include "https/get.h"

#include <fmt/format.h>

#include <array>

namespace postseal::https {

std::string request_text(std::string_view host, std::string_view path) {
    return fmt::format("GET {} HTTP/1.1\r\n"
                       "Host: {}\r\n"
                       "User-Agent: postseal/" POSTSEAL_VERSION "\r\n"
                       "Accept: text/plain\r\n"
                       "Connection: close\r\n"
                       "\r\n",
                       path, host);
}

async::Task<std::expected<std::string, FetchError>> get(tls::Stream& stream, ResponseParser& parser,
                                                        std::string host, std::string path) {
    const std::string request = request_text(host, path);
    auto written = co_await stream.write(request);
    if (!written) co_return std::unexpected(fetch_error(std::move(written.error())));
    std::array<char, 4096> buffer{};
    for (;;) {
        auto size = co_await stream.read(buffer);
        if (!size) {
            FetchError error = fetch_error(std::move(size.error()));
            error.reason += ' ' + parser.where();
            co_return std::unexpected(std::move(error));
        }
        const ResponseParser::State state =
            *size == 0 ? parser.end() : parser.feed({buffer.data(), *size});
        if (state == ResponseParser::State::failed) co_return std::unexpected(parser.error());
        if (state == ResponseParser::State::complete) break;
    }
    stream.bye();
    co_return parser.take_body();
}

} // namespace postseal::https
