// The wire form against the real protobuf library, both ways.
#include "tuplespace/tuple/wire.h"

#include <cmath>

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "tests/unit/tuple/random_templates.h"
#include "tests/unit/tuple/random_tuples.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/v1/tuple.pb.h"

namespace tuplespace {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

constexpr int kRounds = 3000;

void fill(const Value& value, v1::Value& message) {
  switch (value.type()) {
    case Type::kAny:
    case Type::kNull: message.set_null_value(true); break;
    case Type::kBool: message.set_bool_value(value.as_bool()); break;
    case Type::kInt: message.set_int_value(value.as_int()); break;
    case Type::kFloat: message.set_float_value(value.as_float()); break;
    case Type::kString: message.set_string_value(value.as_string()); break;
    case Type::kBytes: message.set_bytes_value(value.as_bytes()); break;
    case Type::kSpace: message.set_space_value(value.as_space()); break;
    case Type::kList:
      message.mutable_list_value();
      for (const Value& item : value.as_list())
        fill(item, *message.mutable_list_value()->add_items());
      break;
    case Type::kMap:
      message.mutable_map_value();
      for (const auto& [key, item] : value.as_map()) {
        fill(item, (*message.mutable_map_value()->mutable_entries())[key]);
      }
      break;
  }
}

v1::Tuple message_of(const std::vector<Value>& values) {
  v1::Tuple message;
  for (const Value& value : values) fill(value, *message.add_fields());
  return message;
}

std::string wire_of(const Tuple& tuple) {
  std::string wire;
  append_wire(tuple, wire);
  return wire;
}

std::string wire_of(const Template& wanted) {
  std::string wire;
  append_wire(wanted, wire);
  return wire;
}

// Value::List{Value::List{...}} would be a copy of the inner one.
Value list_of(std::vector<Value> items) { return Value(std::move(items)); }
Tuple tuple_of(Value value) { return *Tuple::of(std::vector<Value>(1, std::move(value))); }

// A message of one length-delimited field.
std::string field(int number, std::string_view content) {
  std::string made;
  made += static_cast<char>(number << 3 | 2);
  made += static_cast<char>(content.size());
  made += content;
  return made;
}
const std::string kSeven = {0x18, 14};  // Value{int_value: 7}

TEST(TupleWire, IsWhatProtobufReadsAndWrites) {
  RandomTuples random(1);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const std::vector<Value> values = random.values();
    const Tuple tuple = *Tuple::of(values);
    const v1::Tuple message = message_of(values);

    const auto read = tuple_from_wire(message.SerializeAsString());
    ASSERT_TRUE(read.ok()) << read.status().to_string();
    ASSERT_EQ(*read, tuple);

    v1::Tuple parsed;
    ASSERT_TRUE(parsed.ParseFromString(wire_of(tuple)));
    ASSERT_TRUE(MessageDifferencer::Equals(parsed, message)) << parsed.DebugString();
    ASSERT_EQ(wire_of(tuple).size(), message.ByteSizeLong());  // no longer than need be
  }
}

TEST(TupleWire, AppendsBehindWhatIsThere) {
  std::string wire = "before";
  append_wire(*Tuple::of({7}), wire);
  EXPECT_EQ(wire, "before" + field(1, kSeven));
}

TEST(TupleWire, CarriesLongTextAndLargeListsInEachOther) {
  Value nested = std::string(70'000, 'x') + std::string(300, '\0');
  for (int depth = 0; depth < 15; ++depth) {
    nested = depth % 2 == 0 ? Value(Value::List{nested, depth}) : Value(Value::Map{{"k", nested}});
  }
  const Tuple tuple = *Tuple::of({nested, 1});
  v1::Tuple parsed;
  ASSERT_TRUE(parsed.ParseFromString(wire_of(tuple)));
  EXPECT_TRUE(MessageDifferencer::Equals(parsed, message_of({nested, 1})));
  EXPECT_EQ(*tuple_from_wire(parsed.SerializeAsString()), tuple);
}

TEST(TupleWire, TakesTheLastOfSeveralKindsAndJoinsPiecesOfOneList) {
  const std::string text = field(5, "a");
  EXPECT_EQ(*tuple_from_wire(field(1, text + kSeven)), *Tuple::of({7}));
  EXPECT_EQ(*tuple_from_wire(field(1, kSeven + text)), *Tuple::of({"a"}));
  const std::string list = field(7, field(1, kSeven));
  EXPECT_EQ(*tuple_from_wire(field(1, list + list)), tuple_of(list_of({7, 7})));
  EXPECT_EQ(*tuple_from_wire(field(1, list + text + list)), tuple_of(list_of({7})));
}

TEST(TupleWire, ReadsSeveralKindsAndPiecesAsProtobufDoes) {
  RandomTuples random(2);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    std::string pieces;
    for (size_t i = 1 + random.below(3); i > 0; --i) {
      v1::Value piece;
      fill(random.value(), piece);
      // Map pieces with a key in common are refused by us and merged by protobuf.
      if (!piece.has_map_value()) pieces += piece.SerializeAsString();
    }
    if (pieces.empty()) continue;
    v1::Tuple message;
    ASSERT_TRUE(message.add_fields()->ParseFromString(pieces));
    const auto read = tuple_from_wire(field(1, "") + message.SerializeAsString());
    ASSERT_FALSE(read.ok());  // the first field has no kind
    const auto joined = tuple_from_wire(message.SerializeAsString());
    ASSERT_TRUE(joined.ok()) << joined.status().to_string();
    std::string wire(1, '\x0a');
    for (size_t length = pieces.size();; length >>= 7) {
      wire += static_cast<char>(length < 0x80 ? length : length | 0x80);
      if (length < 0x80) break;
    }
    const auto in_pieces = tuple_from_wire(wire + pieces);
    ASSERT_TRUE(in_pieces.ok()) << in_pieces.status().to_string();
    ASSERT_EQ(*in_pieces, *joined);
  }
}

TEST(TupleWire, PassesOverUnknownFields) {
  const std::string unknown = std::string("\x50\x07", 2) +  // varint
                              std::string(
                                  "\x59"
                                  "12345678",
                                  9) +  // 64 bits
                              std::string(
                                  "\x65"
                                  "1234",
                                  5) +                                      // 32 bits
                              field(11, "any") +                            // length
                              std::string("\x73\x08\x01\x7b\x7c\x74", 6) +  // groups
                              std::string("\x08\x05", 2);                   // field 1 as varint
  v1::Tuple message;
  ASSERT_TRUE(message.ParseFromString(unknown));
  EXPECT_EQ(*tuple_from_wire(unknown + field(1, kSeven) + unknown), *Tuple::of({7}));
  EXPECT_EQ(*tuple_from_wire(field(1, field(11, "any") + kSeven)), *Tuple::of({7}));
}

TEST(TupleWire, RefusesWhatIsNoMessage) {
  for (const std::string& wire : {
           std::string("\x0a", 1),          // no length
           std::string("\x0a\x05\x18", 3),  // shorter than its length
           std::string("\x02\x00", 2),      // field 0
           std::string("\x0f", 1),          // wire type 7
           std::string("\x0c", 1),          // an end of no group
           std::string("\x0b\x14", 2),      // group 1 ended by group 2
           std::string("\x0b", 1),          // group without an end
           std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11),
           std::string(300, '\x0b'),  // groups in groups
       }) {
    EXPECT_FALSE(v1::Tuple().ParseFromString(wire));
    EXPECT_EQ(tuple_from_wire(wire).status().code(), Code::kInvalidArgument);
  }
}

std::string why_not(const v1::Tuple& message, const Limits& limits = {}) {
  return tuple_from_wire(message.SerializeAsString(), limits).status().to_string();
}

TEST(TupleWire, RefusesWhatIsNoValueAndNamesTheField) {
  v1::Tuple message;
  message.add_fields()->set_bool_value(true);
  v1::Value& value = *message.add_fields();
  EXPECT_EQ(why_not(message),
            "INVALID_ARGUMENT: field 2: a value has no kind set; null is "
            "null_value: true");
  value.set_float_value(std::nan(""));
  EXPECT_EQ(why_not(message), "INVALID_ARGUMENT: field 2: NaN is not a value");
  value.set_space_value("no such name");
  EXPECT_THAT(why_not(message), HasSubstr("field 2: a space handle holds no space name"));
  value.mutable_list_value()->add_items();
  EXPECT_THAT(why_not(message), HasSubstr("field 2: a value has no kind"));
  // The library writes no bad UTF-8 without complaint, so these are made by hand.
  EXPECT_THAT(tuple_from_wire(field(1, field(5, "\xff"))).status().to_string(),
              HasSubstr("field 1: a string is not UTF-8"));
  EXPECT_THAT(tuple_from_wire(field(1, field(8, field(1, field(1, "\xff") + field(2, kSeven)))))
                  .status()
                  .to_string(),
              HasSubstr("a map key is not UTF-8"));
}

TEST(TupleWire, SortsMapsAndRefusesAKeyTwice) {
  const std::string b = field(1, field(1, "b") + field(2, kSeven));
  const std::string a = field(1, field(2, field(8, b)) + field(1, "a"));
  const std::string none = field(1, field(2, kSeven));
  EXPECT_EQ(*tuple_from_wire(field(1, field(8, b + a + none))),
            *Tuple::of({Value::Map{{"", 7}, {"a", Value::Map{{"b", 7}}}, {"b", 7}}}));
  EXPECT_EQ(tuple_from_wire(field(1, field(8, b + a + b))).status().message(),
            "field 1: a map has the key \"b\" twice");
}

TEST(TupleWire, WritesNegativeZeroAsZero) {
  v1::Tuple message;
  message.add_fields()->set_float_value(-0.0);
  EXPECT_EQ(*tuple_from_wire(message.SerializeAsString()), *Tuple::of({0.0}));
}

TEST(TupleWire, KeepsToItsBounds) {
  Limits limits;
  limits.fields_max = 2;
  limits.tuple_bytes_max = 12;
  limits.depth_max = 2;
  const auto refused = [&](const std::vector<Value>& values) {
    const Status status = tuple_from_wire(message_of(values).SerializeAsString(), limits).status();
    return std::string(code_name(status.code())) + " " + status.problem().bound;
  };
  EXPECT_EQ(refused({1, 2, 3}), "RESOURCE_EXHAUSTED fields_max");
  EXPECT_EQ(refused({"12345678901"}), "RESOURCE_EXHAUSTED tuple_bytes_max");
  EXPECT_EQ(refused({"1234567890"}), "OK ");
  EXPECT_EQ(refused({1, Value::List{1, Value::List{1}}}), "OK ");
  EXPECT_EQ(refused({1, Value::List{1, Value::List{1, Value::List{}}}}),
            "INVALID_ARGUMENT depth_max");
  EXPECT_EQ(refused({Value::Map{{"", Value::Map{{"", Value::Map{}}}}}}),
            "INVALID_ARGUMENT depth_max");
}

// Random template messages in the form that we write: nothing that another message would say
// more simply.
class RandomMessages {
 public:
  explicit RandomMessages(uint64_t seed) : random_(seed) {}

  v1::Template message() {
    v1::Template made;
    for (size_t fields = random_.below(5); fields > 0; --fields)
      pattern(*made.add_fields(), 0, true);
    if (random_.below(3) == 0) {
      made.set_rest(true);
      if (random_.below(2) == 0) made.set_rest_name(name());
    }
    return made;
  }

 private:
  std::string name() { return std::string(1, static_cast<char>('a' + random_.below(4))); }

  void pattern(v1::Pattern& made, size_t depth, bool named) {
    if (named && random_.below(3) == 0) made.set_name(name());
    switch (random_.below(depth < 3 ? 9 : 6)) {
      case 0: break;
      case 1: made.set_type(static_cast<v1::Type>(1 + random_.below(9))); break;
      case 2: fill(random_.value(2), *made.mutable_value()); break;
      case 3: range(*made.mutable_range()); break;
      case 4:
        fill(random_.below(2) == 0 ? Value(random_.text()) : Value(Bytes{random_.bytes()}),
             *made.mutable_prefix());
        break;
      case 5: made.set_regex("^a+" + std::string(random_.below(200), 'b')); break;
      case 6:
        for (size_t i = 2 + random_.below(3); i > 0; --i) {
          v1::Pattern& alternative = *made.mutable_choice()->add_alternatives();
          do {
            alternative.Clear();
            pattern(alternative, depth + 1, false);
          } while (alternative.has_choice());
        }
        break;
      case 7:
        for (size_t i = random_.below(3); i > 0; --i) {
          pattern(*made.mutable_list()->add_items(), depth + 1, named);
        }
        made.mutable_list()->set_rest(true);
        if (named && random_.below(2) == 0) made.mutable_list()->set_rest_name(name());
        break;
      default:
        for (size_t i = random_.below(3); i > 0; --i) {
          pattern((*made.mutable_map()->mutable_entries())[random_.text()], depth + 1, named);
        }
        pattern((*made.mutable_map()->mutable_entries())["k"], depth + 1, named);
        made.mutable_map()->set_rest(true);
    }
  }

  void range(v1::Range& made) {
    const int64_t low = random_.number() / 2;
    const size_t ends = random_.below(3);
    if (ends != 0) made.mutable_low()->set_int_value(low);
    if (ends != 1) made.mutable_high()->set_int_value(low + 1 + random_.below(1000));
    if (made.has_low()) made.set_low_excluded(random_.below(2) == 0);
    if (made.has_high()) made.set_high_excluded(random_.below(2) == 0);
  }

  RandomTuples random_;
};

TEST(TemplateWire, IsWhatProtobufReadsAndWrites) {
  RandomMessages random(3);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const v1::Template message = random.message();
    const auto read = template_from_wire(message.SerializeAsString());
    ASSERT_TRUE(read.ok()) << read.status().to_string() << message.DebugString();
    v1::Template parsed;
    ASSERT_TRUE(parsed.ParseFromString(wire_of(*read)));
    ASSERT_TRUE(MessageDifferencer::Equals(parsed, message)) << message.DebugString() << "became\n"
                                                             << parsed.DebugString();
    ASSERT_EQ(*template_from_wire(wire_of(*read)), *read);
  }
}

TEST(TemplateWire, GivesBackEveryTemplate) {
  RandomTemplates random(6);
  for (int round = 0; round < kRounds; ++round) {
    const Template made = random.made();
    const auto again = template_from_wire(wire_of(made));
    ASSERT_TRUE(again.ok()) << again.status().to_string();
    ASSERT_EQ(*again, made) << round;
  }
}

TEST(TemplateWire, SaysItSimplyWhenAListOfPatternsIsAListOfValues) {
  v1::Template message;
  v1::ListPattern& list = *message.add_fields()->mutable_list();
  list.add_items()->mutable_value()->set_int_value(1);
  (*list.add_items()->mutable_map()->mutable_entries())["k"].mutable_value()->set_null_value(true);
  const auto read = template_from_wire(message.SerializeAsString());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, Template::exactly(tuple_of(list_of({1, Value::Map{{"k", nullptr}}}))));
  EXPECT_TRUE(read->plain());
}

TEST(TemplateWire, DoesNotCareWhetherAnAbsentEndIsExcluded) {
  v1::Template message;
  v1::Range& range = *message.add_fields()->mutable_range();
  range.mutable_high()->set_int_value(3);
  const Template made = *template_from_wire(message.SerializeAsString());
  range.set_low_excluded(true);
  EXPECT_EQ(*template_from_wire(message.SerializeAsString()), made);
}

std::string why_not(const v1::Template& message, const Limits& limits = {}) {
  return template_from_wire(message.SerializeAsString(), limits).status().message();
}

TEST(TemplateWire, RefusesWhatIsNoPattern) {
  v1::Template message;
  message.add_fields()->set_name("ok");
  v1::Pattern& pattern = *message.add_fields();
  pattern.mutable_value();
  EXPECT_THAT(why_not(message), HasSubstr("a value has no kind"));
  pattern.set_type(static_cast<v1::Type>(10));
  EXPECT_EQ(why_not(message), "10 is the number of no type");
  pattern.mutable_range();
  EXPECT_EQ(why_not(message), "a range has no end");
  pattern.mutable_range()->mutable_low()->set_int_value(4);
  pattern.mutable_range()->mutable_high()->set_int_value(3);
  EXPECT_EQ(why_not(message), "a range is empty");
  pattern.mutable_prefix()->set_int_value(3);
  EXPECT_EQ(why_not(message), "a prefix is a string or bytes, not int");
  pattern.mutable_choice();
  EXPECT_EQ(why_not(message), "a choice has no alternative");
  pattern.mutable_choice()->add_alternatives()->set_name("x");
  EXPECT_THAT(why_not(message), HasSubstr("no names inside alternatives"));
  pattern.set_regex("(");
  EXPECT_THAT(why_not(message), HasSubstr("/(/ is no regular expression"));
  pattern.set_regex("");
  EXPECT_THAT(why_not(message), HasSubstr("a regular expression is empty"));
  pattern.mutable_list()->set_rest_name("x");
  EXPECT_EQ(why_not(message), "rest_name is set, and rest is not");
  pattern.clear_list();
  pattern.set_name("int");
  EXPECT_THAT(why_not(message), HasSubstr("\"int\" is no name"));
}

TEST(TemplateWire, KeepsToItsBounds) {
  v1::Template message;
  for (size_t i = 0; i <= Limits().fields_max; ++i) message.add_fields();
  EXPECT_THAT(why_not(message), HasSubstr("fields_max is 64"));

  message.Clear();
  v1::ListPattern& list = *message.add_fields()->mutable_list();
  for (size_t i = 0; i < kPatternsMax; ++i) list.add_items();
  EXPECT_THAT(why_not(message), HasSubstr("template has more patterns than 4096"));

  message.Clear();
  v1::Pattern* inner = message.add_fields();
  for (size_t i = 0; i < Limits().depth_max; ++i) inner = inner->mutable_list()->add_items();
  EXPECT_EQ(why_not(message), "");
  inner->mutable_value()->mutable_list_value();
  EXPECT_THAT(why_not(message), HasSubstr("depth_max 16"));
  inner->mutable_map();
  EXPECT_THAT(why_not(message), HasSubstr("depth_max 16"));

  message.Clear();
  inner = message.add_fields();
  for (size_t i = 0; i < 20; ++i) inner = inner->mutable_choice()->add_alternatives();
  EXPECT_THAT(why_not(message), HasSubstr("depth_max 16"));
}

}  // namespace
}  // namespace tuplespace
