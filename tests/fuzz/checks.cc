#include "tests/fuzz/checks.h"

#include "tests/unit/tuple/random_templates.h"
#include "tests/unit/tuple/random_tuples.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/json.h"
#include "tuplespace/tuple/text.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace {
namespace {

// All that holds for any tuple: its bytes are canonical, and every form gives it back.
void check_tuple(const Tuple& tuple) {
  const auto count = check_fields(tuple.bytes(), {});
  TS_CHECK(count.ok());
  TS_CHECK(*count == tuple.arity());
  TS_CHECK(*Tuple::of(tuple.values()) == tuple);

  const auto from_text = parse_tuple(to_text(tuple));
  TS_CHECK(from_text.ok() && *from_text == tuple);
  const auto from_json = tuple_from_json(to_json(tuple));
  TS_CHECK(from_json.ok() && *from_json == tuple);
  const auto from_tagged = tuple_from_json(to_json(tuple, JsonNumbers::kTagged));
  TS_CHECK(from_tagged.ok() && *from_tagged == tuple);
  std::string wire;
  append_wire(tuple, wire);
  const auto from_wire = tuple_from_wire(wire);
  TS_CHECK(from_wire.ok() && *from_wire == tuple);

  TS_CHECK(Template::exactly(tuple).matches(tuple));
}

// All that holds for any template: every form gives it back, and both ways of asking agree.
void check_template(const Template& wanted) {
  const auto from_text = parse_template(to_text(wanted));
  TS_CHECK(from_text.ok() && *from_text == wanted);
  const auto from_json = template_from_json(to_json(wanted));
  TS_CHECK(from_json.ok() && *from_json == wanted);
  std::string wire;
  append_wire(wanted, wire);
  const auto from_wire = template_from_wire(wire);
  TS_CHECK(from_wire.ok() && *from_wire == wanted);

  static const std::vector<Tuple> kTuples = [] {
    RandomTuples random(1);
    std::vector<Tuple> made;
    for (int i = 0; i < 20; ++i) made.push_back(*Tuple::of(random.values()));
    return made;
  }();
  for (const Tuple& tuple : kTuples) {
    Bindings bindings;
    const bool matches = wanted.matches(tuple);
    TS_CHECK(wanted.bind(tuple.bytes(), bindings) == matches);
    TS_CHECK(!matches || bindings.size() == wanted.names().size());
  }
}

void check_encoding(std::string_view input) {
  const auto count = check_fields(input, {});
  if (!count.ok()) return;
  std::string again;
  size_t fields = 0;
  for (std::string_view rest = input; !rest.empty(); ++fields) {
    const std::string_view field = take_field(rest);
    const Value value = decode(field);
    TS_CHECK(value.type() == type_of(field));
    TS_CHECK(encode(value, {}, again).ok());
  }
  TS_CHECK(fields == *count);
  TS_CHECK(again == input);
  check_tuple(Tuple::from_canonical(input, fields));
}

// What reads as a tuple reads as the template of that tuple, and the other way round.
void check_pair(const Result<Tuple>& tuple, const Result<Template>& wanted) {
  if (tuple.ok()) {
    check_tuple(*tuple);
    TS_CHECK(!wanted.ok() || wanted->matches(*tuple));
  }
  if (wanted.ok()) check_template(*wanted);
}

void check_text(std::string_view input) {
  const Arguments arguments = {{"a", "7"}, {"b", std::string(input)}};
  check_pair(parse_tuple(input, arguments), parse_template(input, arguments));
}

void check_json(std::string_view input) {
  check_pair(tuple_from_json(input), template_from_json(input));
}

void check_wire(std::string_view input) {
  const auto tuple = tuple_from_wire(input);
  if (tuple.ok()) check_tuple(*tuple);
  const auto wanted = template_from_wire(input);
  if (wanted.ok()) check_template(*wanted);
}

const char* const kTemplates[] = {
    "()",
    "(?, ?int, ?null, ...)",
    "(?id:int, $id, ?x:any, [?x:any, ?more:...])",
    "(3..9, >5, <=\"m\", >=3 <9, -inf..0.0, >b\"\")",
    "(\"pre\"*, b\"\\x00\"*, 1|\"a\"|?null, /^a\\/b\\\\c[^\\x{1b}]/, /\\Q.a\\E/)",
    "({\"a\": ?int, \"b\": {\"$c\": ?}}, {...}, {\"a\": 1, ...})",
    "($a, $a:int, $b:bytes, @\"jobs\", x'00ff', 'it\\'s \\ud83d\\ude00')",
    "(007, 3., .5, 1e400, 9223372036854775808, True, (2, 3), {k: 1}, 3...9, *)",
};
const char* const kJson[] = {
    R"([{"$int":7},{"$float":30},{"$float":"-inf"},{"$bytes":"AP8="},{"$space":"a"},1e400,-0.0])",
    R"([{"$map":{"$int":7},"$rest":true},{"a":{"b":[1,2.5,null,true,"\ud83d\ude00"]}}])",
    R"([{"$as":"x","$is":{"$or":[1,{"$ge":3,"$lt":9}]}},{"$ref":"x","$type":"int"}])",
    R"([{"$type":"any"},{"$prefix":{"$bytes":"R0VU"}},{"$re":"^a/\\Q.\\E"},{"$rest":"all"}])",
    "\"('job', ?int, ...)\"",
};

}  // namespace

const std::vector<FuzzCheck>& fuzz_checks() {
  static const std::vector<FuzzCheck> kChecks = {{"encoding", check_encoding},
                                                 {"text", check_text},
                                                 {"json", check_json},
                                                 {"wire", check_wire}};
  return kChecks;
}

const FuzzCheck* find_fuzz_check(std::string_view name) {
  for (const FuzzCheck& check : fuzz_checks()) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

std::vector<std::string> fuzz_seeds(std::string_view name) {
  RandomTuples tuples(2);
  RandomTemplates templates(3);
  std::vector<std::string> seeds;
  for (int i = 0; i < 50; ++i) {
    const Tuple tuple = *Tuple::of(tuples.values());
    const Template wanted = templates.made();
    if (name == "encoding") seeds.emplace_back(tuple.bytes());
    if (name == "text") seeds.push_back(i % 2 == 0 ? to_text(tuple) : to_text(wanted));
    if (name == "json") seeds.push_back(i % 2 == 0 ? to_json(tuple) : to_json(wanted));
    if (name == "wire") append_wire(tuple, seeds.emplace_back());
    if (name == "wire") append_wire(wanted, seeds.emplace_back());
  }
  if (name == "text") seeds.insert(seeds.end(), std::begin(kTemplates), std::end(kTemplates));
  if (name == "json") seeds.insert(seeds.end(), std::begin(kJson), std::end(kJson));
  return seeds;
}

}  // namespace tuplespace
