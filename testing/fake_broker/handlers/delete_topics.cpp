#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::delete_topics_request;
using wire::protocol::delete_topics_response;

/// By name or by id from here on.
constexpr std::int16_t topic_ids_since = 6;

}  // namespace

outcome handle_delete_topics(call& what) {
  return serve<delete_topics_request, delete_topics_response>(
      what, [&](const delete_topics_request& asked, delete_topics_response& out) {
        const auto remove = [&](std::optional<std::string_view> name, const topic_id& id) {
          auto& to = out.responses.emplace_back();
          to.name = name;
          to.topic_id = id;
          to.error_code = what.judge([&] {
            const topic* const known = name ? what.in.find(*name) : what.in.find(id);
            if (known == nullptr) return name ? errc::unknown_topic_or_partition : errc::unknown_topic_id;
            to.topic_id = known->id;
            to.name = what.keep(known->name);
            return what.in.delete_topic(std::string(known->name)) ? errc::none : errc::unknown_server_error;
          });
        };
        if (what.version < topic_ids_since) {
          for (const std::string_view name : asked.topic_names) remove(name, {});
        } else {
          for (const auto& one : asked.topics) remove(one.name, one.topic_id);
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
