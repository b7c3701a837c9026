#include "moldau/client/admin.hpp"

#include "client/admin_impl.hpp"

namespace moldau::client {

result<admin> admin::make(client_options options) {
  if (options.bootstrap_servers.empty()) {
    return fail(errc::invalid_argument, "bootstrap.servers is missing: name one broker at least, as host:port");
  }
  for (const std::string& server : options.bootstrap_servers) MOLDAU_TRY(parse_server(server));
  return admin(std::make_shared<impl>(std::move(options)));
}

admin::impl::impl(client_options options)
    : options_(std::move(options)),
      runtime_(options_),
      cluster_(std::make_shared<cluster>(runtime_.world(), options_)) {}

rt::task<result<void>> admin::impl::close() {
  const auto self = shared_from_this();
  cluster_->close();
  co_return result<void>();
}

admin::admin(std::shared_ptr<impl> body) : impl_(std::move(body)) {}
admin::admin(admin&&) noexcept = default;

admin& admin::operator=(admin&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

admin::~admin() {
  if (!impl_) return;
  if (!impl_->home().may_block()) {
    close().then([](const result<void>&) {});
    return;
  }
  static_cast<void>(close().get());
  impl_->stop();
}

async<std::vector<listed_topic>> admin::list_topics() {
  return impl_->home().start<std::vector<listed_topic>>([self = impl_] { return self->list_topics(); });
}

async<outcomes<std::string, described_topic>> admin::describe_topics(std::vector<std::string> names) {
  return impl_->home().start<outcomes<std::string, described_topic>>(
      [self = impl_, names] { return self->describe_topics(names); });
}

async<outcomes<std::string>> admin::create_topics(std::vector<new_topic> topics, bool validate_only) {
  return impl_->home().start<outcomes<std::string>>(
      [self = impl_, topics, validate_only] { return self->create_topics(topics, validate_only); });
}

async<outcomes<std::string>> admin::delete_topics(std::vector<std::string> names) {
  return impl_->home().start<outcomes<std::string>>([self = impl_, names] { return self->delete_topics(names); });
}

async<outcomes<std::string>> admin::create_partitions(std::map<std::string, std::int32_t> totals, bool validate_only) {
  return impl_->home().start<outcomes<std::string>>(
      [self = impl_, totals, validate_only] { return self->create_partitions(totals, validate_only); });
}

async<outcomes<topic_partition, moldau::offset>> admin::delete_records(
    std::map<topic_partition, moldau::offset> before) {
  return impl_->home().start<outcomes<topic_partition, moldau::offset>>(
      [self = impl_, before] { return self->delete_records(before); });
}

async<outcomes<topic_partition, listed_offset>> admin::list_offsets(std::map<topic_partition, offset_spec> of) {
  return impl_->home().start<outcomes<topic_partition, listed_offset>>(
      [self = impl_, of] { return self->list_offsets(of); });
}

async<outcomes<config_resource, std::vector<config_entry>>> admin::describe_configs(std::vector<config_resource> of,
                                                                                    bool documentation) {
  return impl_->home().start<outcomes<config_resource, std::vector<config_entry>>>(
      [self = impl_, of, documentation] { return self->describe_configs(of, documentation); });
}

async<outcomes<config_resource>> admin::alter_configs(std::map<config_resource, std::vector<config_change>> changes,
                                                      bool validate_only) {
  return impl_->home().start<outcomes<config_resource>>(
      [self = impl_, changes, validate_only] { return self->alter_configs(changes, validate_only); });
}

async<std::vector<listed_group>> admin::list_groups() {
  return impl_->home().start<std::vector<listed_group>>([self = impl_] { return self->list_groups(); });
}

async<outcomes<std::string, described_group>> admin::describe_groups(std::vector<std::string> ids) {
  return impl_->home().start<outcomes<std::string, described_group>>(
      [self = impl_, ids] { return self->describe_groups(ids); });
}

async<outcomes<std::string>> admin::delete_groups(std::vector<std::string> ids) {
  return impl_->home().start<outcomes<std::string>>([self = impl_, ids] { return self->delete_groups(ids); });
}

async<std::map<topic_partition, committed_offset>> admin::group_offsets(std::string group) {
  return impl_->home().start<std::map<topic_partition, committed_offset>>(
      [self = impl_, group] { return self->group_offsets(group); });
}

async<outcomes<topic_partition>> admin::alter_group_offsets(std::string group,
                                                            std::map<topic_partition, committed_offset> offsets) {
  return impl_->home().start<outcomes<topic_partition>>(
      [self = impl_, group, offsets] { return self->alter_group_offsets(group, offsets); });
}

async<outcomes<topic_partition>> admin::delete_group_offsets(std::string group,
                                                             std::vector<topic_partition> partitions) {
  return impl_->home().start<outcomes<topic_partition>>(
      [self = impl_, group, partitions] { return self->delete_group_offsets(group, partitions); });
}

async<described_cluster> admin::describe_cluster() {
  return impl_->home().start<described_cluster>([self = impl_] { return self->describe_cluster(); });
}

async<described_quorum> admin::describe_quorum() {
  return impl_->home().start<described_quorum>([self = impl_] { return self->describe_quorum(); });
}

async<described_features> admin::describe_features() {
  return impl_->home().start<described_features>([self = impl_] { return self->describe_features(); });
}

async<outcomes<std::string>> admin::update_features(std::vector<feature_change> changes, bool validate_only) {
  return impl_->home().start<outcomes<std::string>>(
      [self = impl_, changes, validate_only] { return self->update_features(changes, validate_only); });
}

async<outcomes<broker_id, std::vector<described_log_dir>>> admin::describe_log_dirs(std::vector<broker_id> of) {
  return impl_->home().start<outcomes<broker_id, std::vector<described_log_dir>>>(
      [self = impl_, of] { return self->describe_log_dirs(of); });
}

async<void> admin::close() {
  return impl_->home().start<void>([self = impl_] { return self->close(); });
}

}  // namespace moldau::client
