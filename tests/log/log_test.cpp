// SPDX-License-Identifier: BSD-3-Clause
#include "log/log.h"

#include "support/temp_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <poll.h>
#include <regex>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace postseal;
using namespace std::chrono_literals;

namespace {

// A pipe that somebody reads, or does not.
struct Pipe {
    Pipe() { REQUIRE(::pipe2(fds, O_CLOEXEC) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_end(1);
        close_end(0);
    }
    void close_end(int end) {
        if (fds[end] >= 0) ::close(fds[end]);
        fds[end] = -1;
    }
    // What comes until there is nothing for a moment.
    [[nodiscard]] std::string read(milliseconds patience) const {
        std::string text;
        pollfd polled{.fd = fds[0], .events = POLLIN, .revents = 0};
        char buffer[4096];
        while (::poll(&polled, 1, static_cast<int>(patience.count())) > 0) {
            const ssize_t count = ::read(fds[0], buffer, sizeof buffer);
            if (count <= 0) break;
            text.append(buffer, static_cast<std::size_t>(count));
        }
        return text;
    }
    int fds[2]{-1, -1};
};

// What a log has written when it has ended.
template <class Use> std::string written(const log::Options& options, LogOutput output, Use use) {
    const test::TempFile file("");
    output.fd = ::open(file.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    {
        Log log(options, output);
        use(log);
    }
    ::close(output.fd);
    std::ifstream in(file.path());
    return {std::istreambuf_iterator(in), {}};
}

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

// A journal's socket in a folder of its own.
struct FakeJournal {
    FakeJournal() {
        REQUIRE(::mkdtemp(folder.data()) != nullptr);
        path = folder + "/socket";
        bind();
    }
    FakeJournal(const FakeJournal&) = delete;
    FakeJournal& operator=(const FakeJournal&) = delete;
    ~FakeJournal() {
        end();
        std::filesystem::remove_all(folder);
    }
    void bind() {
        fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path.copy(address.sun_path, sizeof address.sun_path);
        REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    void end() {
        if (fd >= 0) ::close(fd);
        fd = -1;
        ::unlink(path.c_str());
    }
    [[nodiscard]] std::string entry() const {
        pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&polled, 1, 5000) <= 0) return "(no entry)";
        char buffer[65536];
        const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
        return {buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }
    std::string folder = (std::filesystem::temp_directory_path() / "postseal-XXXXXX").string();
    std::string path;
    int fd = -1;
};

} // namespace

TEST_CASE("a line has time, level, event and fields") {
    const std::string text = written({}, {}, [](Log& log) { log.warning("e", {{"a", "b c"}}); });
    CHECK(std::regex_match(
        text, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning e a="b c"\n)")));
}

TEST_CASE("where the journal reads, a line has its priority and no time") {
    const auto use = [](Log& log) {
        log.error("e");
        log.warning("w");
        log.info("i");
    };
    CHECK(written({}, {.journal_reads = true}, use) == "<3>error e\n<4>warning w\n<6>info i\n");
    CHECK(written({.format = log::Format::json}, {.journal_reads = true}, [](Log& log) {
              log.error("e");
          }) == "<3>{\"level\":\"error\",\"event\":\"e\"}\n");
}

TEST_CASE("a tool's line has its name and no time") {
    CHECK(written({}, {.program = "postseal"}, [](Log& log) {
              log.warning("w", {{"reason", "a b"}});
          }) == "postseal: warning w reason=\"a b\"\n");
}

TEST_CASE("levels") {
    Log log({.level = log::Level::warning});
    CHECK(log.wants(Log::Level::error));
    CHECK(log.wants(Log::Level::warning));
    CHECK_FALSE(log.wants(Log::Level::info));
}

TEST_CASE("level and form change while it is in use") {
    const std::string text =
        written({.level = log::Level::warning}, {.journal_reads = true}, [](Log& log) {
            log.info("before");
            log.reconfigure({.level = log::Level::debug, .format = log::Format::json});
            log.debug("between");
            log.reconfigure({.level = log::Level::error});
            log.warning("after");
        });
    CHECK(text == "<7>{\"level\":\"debug\",\"event\":\"between\"}\n");
}

TEST_CASE("a provider of 100,000 domains breaks: ten lines and a count") {
    const std::string text = written({}, {.journal_reads = true}, [](Log& log) {
        for (int i = 0; i < 100'000; i++)
            log.warning("downgrade", {{"domain", std::to_string(i) + ".example"}});
        log.error("store", {{"reason", "comes once"}});
    });
    CHECK(lines_of(text) == 12);
    CHECK(text.find("<3>error store reason=\"comes once\"\n") != std::string::npos);
    CHECK(text.ends_with("<4>warning downgrade suppressed=99990\n"));
}

TEST_CASE("the count comes when the window ends, though nothing else is logged") {
    const Pipe pipe;
    Log log({}, {.fd = pipe.fds[1], .journal_reads = true, .rate = {.lines = 1, .window = 50ms}});
    log.warning("w");
    log.warning("w");
    log.warning("w");
    CHECK(pipe.read(2s) == "<4>warning w\n<4>warning w suppressed=2\n");
}

TEST_CASE("nothing is held back while debugging") {
    const std::string text = written({.level = log::Level::debug}, {}, [](Log& log) {
        for (int i = 0; i < 100; i++)
            log.warning("w");
    });
    CHECK(lines_of(text) == 100);
}

TEST_CASE("a reader that stands still holds nobody up; what is lost is counted") {
    const Pipe pipe;
    Log log({.level = log::Level::debug},
            {.fd = pipe.fds[1], .journal_reads = true, .rate = {}, .octets = 100'000});
    constexpr std::size_t lines = 50'000;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < lines; i++)
        log.debug("line", {{"reason", std::string(20, 'x')}});
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
    const std::string text = pipe.read(2s);
    std::smatch lost;
    REQUIRE(std::regex_search(text, lost, std::regex("<4>warning lines-lost count=(\\d+)\n")));
    CHECK(lines_of(text) - 1 + std::stoul(lost[1]) == lines);
    CHECK(lost.suffix().str().empty());
}

TEST_CASE("the end does not wait for ever on a reader that stands still") {
    const Pipe pipe;
    const auto begin = std::chrono::steady_clock::now();
    {
        Log log({.level = log::Level::debug}, {.fd = pipe.fds[1]});
        for (int i = 0; i < 10'000; i++)
            log.debug("line", {{"reason", std::string(50, 'x')}});
    }
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

TEST_CASE("a reader that has gone is not a reason to end") {
    Pipe pipe;
    pipe.close_end(0);
    const std::shared_ptr<void> restore(nullptr, [](void*) { std::signal(SIGPIPE, SIG_DFL); });
    std::signal(SIGPIPE, SIG_IGN);
    Log log({}, {.fd = pipe.fds[1]});
    log.warning("w");
}

TEST_CASE("to the journal, also to one that was started again") {
    FakeJournal journal;
    Log log({.format = log::Format::journal}, {.fd = -1, .journal_socket = journal.path});
    log.warning("downgrade", {{"domain", "example.com"}});
    CHECK(journal.entry() == "MESSAGE=warning downgrade domain=example.com\nPRIORITY=4\n"
                             "SYSLOG_IDENTIFIER=postseald\nPOSTSEAL_EVENT=downgrade\n"
                             "POSTSEAL_DOMAIN=example.com\n");
    journal.end();
    journal.bind();
    log.error("again");
    CHECK(journal.entry().starts_with("MESSAGE=error again\n"));
}

TEST_CASE("without a journal it says so, and writes text") {
    const std::string text =
        written({.format = log::Format::journal},
                {.journal_reads = true, .journal_socket = "/nonexistent/socket"},
                [](Log& log) { log.info("i"); });
    CHECK(text == "<4>warning no-journal reason=\"/nonexistent/socket: No such file or directory; "
                  "[log] format is \\\"text\\\" until there is one\"\n<6>info i\n");
}

TEST_CASE("what a journal no longer takes goes to the descriptor") {
    FakeJournal journal;
    const std::string text =
        written({.format = log::Format::journal},
                {.journal_reads = true, .journal_socket = journal.path}, [&](Log& log) {
                    journal.end();
                    log.error("e");
                });
    CHECK(text == "<3>error e\n");
}

TEST_CASE("a journal that is behind is waited for") {
    const FakeJournal journal;
    Log log({.level = log::Level::debug, .format = log::Format::journal},
            {.fd = -1, .journal_socket = journal.path});
    for (int i = 0; i < 2000; i++)
        log.debug("e", {{"number", std::to_string(i)}});
    int in_order = 0;
    while (in_order < 2000 &&
           journal.entry().find("NUMBER=" + std::to_string(in_order) + "\n") != std::string::npos)
        in_order++;
    CHECK(in_order == 2000);
}

TEST_CASE("the journal reads what JOURNAL_STREAM names") {
    const Pipe pipe;
    struct stat file{};
    REQUIRE(::fstat(pipe.fds[1], &file) == 0);
    const std::string name = std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
    CHECK(log::is_journal(pipe.fds[1], name.c_str()));
    CHECK_FALSE(log::is_journal(pipe.fds[1], "1:2"));
    CHECK_FALSE(log::is_journal(pipe.fds[1], nullptr));
    CHECK_FALSE(log::is_journal(-1, name.c_str()));
}
