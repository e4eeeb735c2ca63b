// SPDX-License-Identifier: BSD-3-Clause
#include "log/log.h"

#include "postseal/base/text.h"

#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

namespace postseal {
namespace {

constexpr std::size_t longest_value = 2000;

spdlog::level::level_enum to_spdlog(Log::Level level) {
    switch (level) {
    case Log::Level::error:
        return spdlog::level::err;
    case Log::Level::warning:
        return spdlog::level::warn;
    case Log::Level::info:
        return spdlog::level::info;
    case Log::Level::debug:
        return spdlog::level::debug;
    }
    return spdlog::level::info;
}

std::string field_text(std::string_view value) {
    std::string clean = printable(value, longest_value);
    if (!clean.empty() && clean.find_first_of(" \"=") == std::string::npos) return clean;
    std::string out = "\"";
    for (const char c : clean) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

} // namespace

struct Log::Impl {
    explicit Impl(const config::Log& options)
        : logger("postseal", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        logger.flush_on(spdlog::level::debug);
        configure(options);
    }
    void configure(const config::Log& options) {
        json = options.format == config::LogFormat::json;
        logger.set_level(to_spdlog(options.level));
        logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
            json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                 : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
            spdlog::pattern_time_type::utc));
    }
    std::atomic<bool> json;
    spdlog::logger logger;
};

Log::Log(const config::Log& options) : impl_(std::make_unique<Impl>(options)) {}
Log::~Log() = default;

void Log::reconfigure(const config::Log& options) { impl_->configure(options); }

bool Log::wants(Level level) const { return impl_->logger.should_log(to_spdlog(level)); }

void Log::write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!wants(level)) return;
    impl_->logger.log(to_spdlog(level), "{}",
                      impl_->json ? json_members(event, fields) : text_line(event, fields));
}

std::string text_line(std::string_view event, std::initializer_list<Log::Field> fields) {
    std::string line(event);
    for (const auto& [name, value] : fields) {
        line += ' ';
        line += name;
        line += '=';
        line += field_text(value);
    }
    return line;
}

std::string json_members(std::string_view event, std::initializer_list<Log::Field> fields) {
    nlohmann::ordered_json object;
    object["event"] = event;
    for (const auto& [name, value] : fields)
        object[std::string(name)] = printable(value, longest_value);
    const std::string text = object.dump();
    return text.substr(1, text.size() - 2);
}

} // namespace postseal
