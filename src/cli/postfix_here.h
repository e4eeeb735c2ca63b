// cli/postfix_here.h: the Postfix of this machine, whose deliveries are predicted
//
// From its postconf(1): the tables that it asks, its level, CA files and version, and the resolvers
// that it asks. Where there is no postconf, or options.none says so, a Postfix of today with the
// documentation's settings is meant, and verdict.default_level is its level.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/command.h"
#include "config/config.h"
#include "engine/answer.h"
#include "postseal/delivery/predict.h"
#include "postseal/doctor/facts.h"
#include "json/json.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace postseal::cli {

struct PostfixOptions {
    std::string postconf = "postconf";
    std::string folder;      // of main.cf; empty: Postfix's own
    std::string resolv_conf; // empty: the one that smtp(8) reads
    bool none = false;
};
[[nodiscard]] std::vector<Option> postfix_options(PostfixOptions& options);

// What one lookup of smtp_tls_policy_maps ends in.
struct Lookup {
    std::string by; // "map tlsrpt", "hash:/etc/postfix/tls_policy"; empty: no table has the key
    std::optional<std::string> map; // of postseald, if that one answered
    verdict::Reply reply;
};

class PostfixHere {
  public:
    // Errors: a postconf that is named and says nothing.
    [[nodiscard]] static std::expected<PostfixHere, std::string> read(const PostfixOptions& options,
                                                                      const config::Config& config);

    [[nodiscard]] bool is_there() const { return there_; }
    [[nodiscard]] std::string name() const; // "Postfix 3.7.11", "a Postfix of today"
    [[nodiscard]] const delivery::Smtp& smtp() const { return smtp_; }
    // legacy before 3.10.
    [[nodiscard]] verdict::Form reads() const;
    [[nodiscard]] std::string ca_file() const { return ca_file_; }
    [[nodiscard]] std::string ca_folder() const { return ca_folder_; }
    [[nodiscard]] bool appends_default_ca() const { return appends_default_ca_; }
    [[nodiscard]] bool dnssec() const { return dnssec_; }
    [[nodiscard]] const std::vector<std::string>& name_servers() const { return name_servers_; }
    [[nodiscard]] std::string protocols() const { return protocols_; } // inet_protocols
    [[nodiscard]] std::string relayhost() const { return relayhost_; }
    void has_no_tls(std::string why) { smtp_.no_tls = std::move(why); }

    // What its tables say of the key, in their order and for its parent domains, too; `answer`
    // and, if it was asked, the daemon's `explained` are what postseald says.
    [[nodiscard]] Lookup look_up(const engine::Answer& answer, const Json* explained) const;

  private:
    // A table of smtp_tls_policy_maps.
    struct Asked {
        std::string text;
        std::string map;     // of postseald; empty: the table is somebody else's
        std::string fault;   // why Postfix cannot look it up, by its configuration
        bool joined = false; // in a unionmap, which fails as a whole
    };

    // Why no lookup succeeds, whatever the key; of which table.
    [[nodiscard]] std::optional<Lookup> broken() const;
    [[nodiscard]] std::string fault_of(const Asked& table, const std::string& key) const;

    PostfixOptions options_;
    bool there_ = false;
    doctor::Version version_;
    delivery::Smtp smtp_;
    std::vector<Asked> tables_;
    std::string ca_file_;
    std::string ca_folder_;
    bool appends_default_ca_ = false;
    bool dnssec_ = true;
    std::vector<std::string> name_servers_;
    std::string protocols_;
    std::string relayhost_;
};

// The reply of that map; as explain's JSON has it, if there is one.
[[nodiscard]] std::optional<verdict::Reply> reply_of(const engine::Answer& answer,
                                                     const Json* explained, const std::string& map);

} // namespace postseal::cli
