#pragma once

#include "broker/request.hpp"
#include "rt/task.hpp"

namespace moldau::broker {

class shard;

// One handler an API, each in its own file in handlers/: parse, validate, act, answer.
rt::task<answer> api_versions(shard& at, request& what);
rt::task<answer> create_topics(shard& at, request& what);
rt::task<answer> fetch(shard& at, request& what);
rt::task<answer> init_producer_id(shard& at, request& what);
rt::task<answer> list_offsets(shard& at, request& what);
rt::task<answer> metadata(shard& at, request& what);
rt::task<answer> produce(shard& at, request& what);

}  // namespace moldau::broker
