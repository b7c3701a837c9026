#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::create_topics_request;
using wire::protocol::create_topics_response;

result<void> create(const create_topics_request::creatable_topic& wanted, bool validate_only, cluster& in) {
  if (wanted.replication_factor > std::ssize(in.brokers)) {
    return fail(errc::invalid_replication_factor, "there are fewer brokers than replicas wanted");
  }
  fake_topic what{.name = std::string(wanted.name), .partitions = wanted.num_partitions};
  if (!wanted.assignments.empty()) what.partitions = static_cast<std::int32_t>(wanted.assignments.size());
  for (const auto& one : wanted.configs) {
    if (one.value) what.configs.emplace(one.name, *one.value);
  }
  if (!validate_only) return in.create_topic(what);
  if (in.find(wanted.name) != nullptr) return fail(errc::topic_already_exists, "the topic is there already");
  return {};
}

}  // namespace

outcome handle_create_topics(call& what) {
  return serve<create_topics_request, create_topics_response>(
      what, [&](const create_topics_request& asked, create_topics_response& out) {
        for (const auto& wanted : asked.topics) {
          auto& to = out.topics.emplace_back();
          to.name = wanted.name;
          to.configs.emplace();
          to.error_code = what.judge([&] {
            const auto made = create(wanted, asked.validate_only, what.in);
            if (made) return errc::none;
            to.error_message = what.keep(made.error().message);
            return made.error().code;
          });
          const topic* const made = to.error_code == errc::none ? what.in.find(wanted.name) : nullptr;
          if (made == nullptr) continue;
          to.topic_id = made->id;
          to.num_partitions = static_cast<std::int32_t>(made->partitions.size());
          to.replication_factor = static_cast<std::int16_t>(made->partitions.front().replicas.size());
        }
        return done;
      });
}

}  // namespace moldau::testing::fake
