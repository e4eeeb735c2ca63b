// SPDX-License-Identifier: BSD-3-Clause
#include "engine/story.h"

#include "engine/living_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace postseal::test {
namespace {

using std::string_view;

const std::filesystem::path folder = std::string(POSTSEAL_TEST_DATA) + "/../scenarios";

[[noreturn]] void fault(const std::string& where, string_view what) {
    throw std::runtime_error(fmt::format("{}: {}", where, what));
}

string_view trimmed(string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

// Takes what stands before `mark` off the front, the mark too; all of it if there is no mark.
string_view take_until(string_view& text, string_view mark) {
    const auto end = text.find(mark);
    const string_view front = text.substr(0, end);
    text = end == string_view::npos ? string_view() : text.substr(end + mark.size());
    return trimmed(front);
}

bool take_prefix(string_view& text, string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text = trimmed(text.substr(prefix.size()));
    return true;
}

std::size_t number(string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::runtime_error(fmt::format("\"{}\" is not a number", text));
    return value;
}

milliseconds time_span(string_view text) {
    const bool back = take_prefix(text, "-");
    seconds sum{0};
    while (!text.empty()) {
        const auto unit = text.find_first_of("dhms");
        if (unit == string_view::npos) throw std::runtime_error("a time without a unit");
        const seconds each(text[unit] == 'd'   ? 86400
                           : text[unit] == 'h' ? 3600
                           : text[unit] == 'm' ? 60
                                               : 1);
        sum += each * number(text.substr(0, unit));
        text.remove_prefix(unit + 1);
    }
    return back ? -sum : sum;
}

void read_into(Story& story, const std::string& file, bool included) {
    std::ifstream in(folder / file);
    if (!in) throw std::runtime_error("cannot read tests/scenarios/" + file);
    std::string line;
    for (std::size_t n = 1; std::getline(in, line); n++) {
        const std::string where = fmt::format("{}:{}", file, n);
        string_view text = trimmed(line);
        if (text.empty() || text.front() == '#') continue;
        if (text == "only without restarts") {
            story.restarts = false;
            continue;
        }
        Sentence next{.where = where, .at = {}, .text = {}};
        if (!story.sentences.empty()) next.at = story.sentences.back().at;
        if (!included && take_prefix(text, "at ")) {
            const milliseconds before = next.at;
            next.at = time_span(take_until(text, " "));
            if (next.at < before) fault(where, "a scene before the one above");
            next.begins_scene = true;
            text = trimmed(text);
        }
        if (take_prefix(text, "as in ")) {
            story.sentences.push_back(std::move(next)); // holds the time
            read_into(story, std::string(text), true);
            continue;
        }
        next.text = text;
        story.sentences.push_back(std::move(next));
    }
}

// "NAME TYPE secure TTL A / B" as the resolver wants it: a line each.
std::string rrset(string_view text) {
    std::string lines(take_until(text, " / "));
    string_view rest = lines;
    const string_view name = take_until(rest, " ");
    const string_view type = take_until(rest, " ");
    const string_view security = take_until(rest, " ");
    const std::string head = fmt::format("\n{} {}", name, type);
    const std::string record = fmt::format("{} {} {}", head, security, take_until(rest, " "));
    while (!text.empty()) {
        const string_view next = take_until(text, " / ");
        lines += fmt::format("{} {}", next.starts_with("delay ") ? head : record, next);
    }
    return lines;
}

std::string policy_text(string_view rest) {
    const auto life = rest.rfind(" for ");
    if (life == string_view::npos) throw std::runtime_error("no \"for TIME\"");
    const seconds max_age =
        std::chrono::duration_cast<seconds>(time_span(trimmed(rest.substr(life + 5))));
    rest = rest.substr(0, life);
    std::string text = fmt::format("version: STSv1\nmode: {}\n", take_until(rest, " "));
    while (!rest.empty())
        text += fmt::format("mx: {}\n", take_until(rest, " "));
    return text + fmt::format("max_age: {}\n", max_age.count());
}

https::FetchFault fetch_fault(string_view name) {
    for (int i = 0; i <= static_cast<int>(https::FetchFault::policy); i++)
        if (const auto known = static_cast<https::FetchFault>(i); https::to_string(known) == name)
            return known;
    throw std::runtime_error(fmt::format("there is no fault \"{}\"", name));
}

// As a story says it.
std::string reply_words(string_view wire) {
    wire = wire.substr(wire.find(':') + 1);
    wire.remove_suffix(1);
    if (wire.starts_with("NOTFOUND")) return "no policy";
    if (wire.starts_with("TEMP")) return "deferred";
    if (!take_prefix(wire, "OK ")) return std::string(wire);
    if (!take_prefix(wire, "secure match=")) return std::string(wire);
    std::string patterns(take_until(wire, " "));
    std::ranges::replace(patterns, ':', ' ');
    return "secure " + patterns;
}

class Stage {
  public:
    explicit Stage(Play how) : how_(how) {}

    std::vector<std::string> play(const Story& story) {
        const MonoTime begin = field_.loop.now();
        for (const Sentence& sentence : story.sentences) {
            where_ = sentence.where;
            const milliseconds wait = begin + sentence.at - field_.loop.now();
            if (wait > milliseconds(0)) field_.loop.advance(wait);
            if (sentence.begins_scene && how_ == Play::with_restarts && field_.engine) restart();
            act(sentence.text);
        }
        return std::move(faults_);
    }

  private:
    void act(string_view text) {
        try {
            if (!text.empty() && !set_world(text) && !steer_daemon(text) && !check(text))
                throw std::runtime_error("no such sentence");
        } catch (const std::runtime_error& error) {
            fault(where_, fmt::format("{}: {}", text, error.what()));
        }
    }

    bool set_world(string_view text) {
        if (take_prefix(text, "the zone says ")) {
            field_.resolver.set(rrset(text));
        } else if (text == "DNS is blocked" || text == "DNS works again") {
            field_.resolver.block(text == "DNS is blocked");
        } else if (take_prefix(text, "policy hosts take ")) {
            field_.fetcher.delay(time_span(text));
        } else if (take_prefix(text, "the wall clock jumps ")) {
            field_.clock.jump(time_span(text));
        } else if (take_prefix(text, "the policy host of ")) {
            const std::string domain(take_until(text, " "));
            set_host(domain, text);
        } else {
            return false;
        }
        return true;
    }

    void set_host(const std::string& domain, string_view text) {
        if (take_prefix(text, "serves the text ")) {
            field_.fetcher.serve(domain, std::string(text) + "\n");
        } else if (take_prefix(text, "serves ")) {
            field_.fetcher.serve(domain, policy_text(text));
        } else if (take_prefix(text, "fails: ")) {
            const https::FetchFault kind = fetch_fault(take_until(text, " "));
            field_.fetcher.fail(domain, kind, std::string(text));
        } else {
            throw std::runtime_error("neither serves nor fails");
        }
    }

    bool steer_daemon(string_view text) {
        if (text == "restart") {
            restart();
        } else if (text == "the daemon stops") {
            note_end();
            field_.end();
            field_.engine.reset();
        } else if (text == "the daemon starts") {
            field_.restart();
        } else {
            return false;
        }
        return true;
    }

    bool check(string_view text) {
        if (!field_.engine) throw std::runtime_error("the daemon does not run");
        if (take_prefix(text, "ask ")) {
            ask(text);
        } else if (take_prefix(text, "known ")) {
            known(text);
        } else if (take_prefix(text, "unknown ")) {
            if (how_ == Play::as_written && field_.engine->find(text) != nullptr)
                wrong("it is known");
        } else if (take_prefix(text, "fetches ")) {
            const std::size_t least = number(take_until(text, " to "));
            within(field_.fetcher.fetches(), least, text.empty() ? least : number(text));
        } else if (take_prefix(text, "downgrades ")) {
            const std::size_t wanted = number(text);
            within(downgrades_ + field_.engine->downgrades().count(), wanted, wanted);
        } else if (take_prefix(text, "the last downgrade is ")) {
            const std::string& last = field_.engine->downgrades().last();
            same(last.empty() ? last_downgrade_ : last, text);
        } else {
            return false;
        }
        return true;
    }

    void ask(string_view text) {
        if (!text.contains(": ")) throw std::runtime_error("no reply");
        string_view wanted = text;
        string_view key = take_until(wanted, ": ");
        milliseconds limit{10'000};
        if (const auto within = key.find(" within "); within != string_view::npos) {
            limit = time_span(key.substr(within + 8));
            key = key.substr(0, within);
        }
        const MonoTime begin = field_.loop.now();
        if (const auto row = wanted.find(" (row "); row != string_view::npos) {
            const auto answer = field_.ask(std::string(key));
            same(fmt::format("{} (row {})", reply_words(answer->replies.front()),
                             answer->verdict.row),
                 wanted);
        } else {
            const auto nexthop = Nexthop::parse(key).value();
            same(reply_words(field_.reply(nexthop.key())), wanted);
        }
        const milliseconds took = field_.loop.now() - begin;
        if (took > limit) wrong(fmt::format("it took {} ms", took.count()));
    }

    void known(string_view text) {
        if (how_ == Play::with_restarts) return;
        string_view wanted = text;
        const string_view key = take_until(wanted, ": ");
        const auto* replies = field_.engine->find(key);
        same(replies == nullptr ? "not known" : reply_words(replies->at(0)), wanted);
    }

    void note_end() {
        downgrades_ += field_.engine->downgrades().count();
        if (!field_.engine->downgrades().last().empty())
            last_downgrade_ = field_.engine->downgrades().last();
    }
    void restart() {
        note_end();
        field_.restart();
    }

    void wrong(string_view what) { faults_.push_back(fmt::format("{}: {}", where_, what)); }
    void same(string_view is, string_view wanted) {
        if (is != wanted) wrong(fmt::format("is \"{}\", not \"{}\"", is, wanted));
    }
    void within(std::size_t is, std::size_t least, std::size_t most) {
        if (is < least || is > most) wrong(fmt::format("is {}", is));
    }

    Play how_;
    LivingField field_;
    std::string where_;
    std::size_t downgrades_ = 0; // of engines that are gone
    std::string last_downgrade_;
    std::vector<std::string> faults_;
};

} // namespace

std::vector<Story> read_stories() {
    std::vector<Story> stories;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".story") continue;
        Story& story = stories.emplace_back();
        story.name = entry.path().stem();
        read_into(story, entry.path().filename(), false);
    }
    std::ranges::sort(stories, {}, &Story::name);
    return stories;
}

std::vector<std::string> play(const Story& story, Play how) { return Stage(how).play(story); }

} // namespace postseal::test
