// References between the steps of an atomic, and what is put.
#include "tuplespace/tuple/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/json.h"
#include "tuplespace/tuple/text.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kBound = {"n", "x"};

Template step(std::string_view text) {
  const auto parsed = parse_template(text, {}, {}, kBound);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
  return parsed.ok() ? *parsed : Template();
}

std::string canonical(const Value& value) {
  std::string bytes;
  EXPECT_TRUE(encode(value, {}, bytes).ok());
  return bytes;
}

NameValues values() { return {{"n", canonical(7)}, {"x", canonical("a")}}; }

std::string error_of_step(std::string_view text) {
  const auto parsed = parse_template(text, {}, {}, kBound);
  return parsed.ok() ? "it is right" : parsed.status().message();
}

TEST(Reference, IsReadAndPrintedAsText) {
  for (const std::string text :
       {"($n)", "($x:string, 1)", "(?y:$n, [$x, ...], {\"k\": $n:int})", "(?y:any, [$n], ?y:$x)"}) {
    EXPECT_EQ(to_text(step(text)), text);
    EXPECT_TRUE(step(text).has_references());
  }
  EXPECT_EQ(to_text(step("(?z:int, $z)")), "(?z:int, ?z:any)");  // in one template: equal
  EXPECT_FALSE(step("(?z:int, $z)").has_references());
  EXPECT_EQ(to_text(*parse_template("($n)", {{"n", "7"}}, {}, kBound)), "(\"7\")");
}

TEST(Reference, IsWrongWhereNothingBindsItAndInsideAlternatives) {
  EXPECT_EQ(error_of_step("(1, $m)"), "column 5: $m has no value; give --arg m VALUE");
  EXPECT_THAT(error_of_step("($n|1)"), HasSubstr("inside alternatives"));
  EXPECT_THAT(error_of_step("($n+1)"), HasSubstr("column 2: a sum stands alone"));
  EXPECT_THAT(parse_template("($n)").status().message(), HasSubstr("$n has no value"));
  EXPECT_THAT(parse_tuple("($n)").status().message(), HasSubstr("$n has no value"));
}

TEST(Reference, IsReadAndPrintedAsJson) {
  const std::string json = R"([{"$ref":"n"},{"$as":"y","$is":{"$ref":"x","$type":"string"}}])";
  const auto parsed = template_from_json(json, {}, kBound);
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(to_text(*parsed), "($n, ?y:$x:string)");
  EXPECT_EQ(to_json(*parsed), json);
  EXPECT_EQ(to_text(*template_from_json("\"($n)\"", {}, kBound)), "($n)");
  EXPECT_THAT(template_from_json(R"([{"$ref":"n"}])").status().message(),
              HasSubstr("no field is called n"));
}

TEST(Reference, TravelsAsProtobuf) {
  for (const char* text : {"($n)", "(?y:$x:string, [1, $n, ...])", "({\"k\": $n:int, ...}, ...)"}) {
    std::string wire;
    append_wire(step(text), wire);
    const auto again = template_from_wire(wire);
    ASSERT_TRUE(again.ok()) << again.status().message();
    EXPECT_EQ(*again, step(text));
  }
  // Pattern{reference: {name: "n", add: 1}}
  const std::string sum("\x0a\x07\x52\x05\x0a\x01n\x18\x02", 9);
  EXPECT_THAT(template_from_wire(sum).status().message(), HasSubstr("$n+1"));
  const std::string nameless("\x0a\x02\x52\x00", 4);
  EXPECT_THAT(template_from_wire(nameless).status().message(), HasSubstr("no name"));
}

TEST(Reference, MatchesNothingUntilItStandsForAValue) {
  const Tuple tuple = *Tuple::of({7, "a"});
  EXPECT_FALSE(step("($n, ?)").matches(tuple));
  EXPECT_TRUE(instantiate(step("($n, ?)"), values())->matches(tuple));
  EXPECT_TRUE(instantiate(step("($n:int, $x)"), values())->matches(tuple));
  EXPECT_FALSE(instantiate(step("($x, ?)"), values())->matches(tuple));
  EXPECT_FALSE(instantiate(step("($n:string, ?)"), values()).has_value());
  EXPECT_TRUE(widened(step("($n:int, $x)")).matches(tuple));
  EXPECT_FALSE(widened(step("($n:string, ?)")).matches(tuple));
}

TEST(Reference, AnInstanceIsTheTemplateWithTheValuesWritten) {
  EXPECT_EQ(*instantiate(step("([1, $n], {\"k\": $x}, ?y:[$n, ?])"), values()),
            *parse_template("([1, 7], {'k': 'a'}, ?y:[7, ?])"));
  EXPECT_TRUE(instantiate(step("([1, $n], 2)"), values())->plain());
  EXPECT_EQ(widened(step("([1, $n:int], $x, ...)")), *parse_template("([1, ?int], ?, ...)"));
  EXPECT_THAT(references_of(step("($x, [$n, $x])")), ElementsAre("x", "n"));
}

TEST(Reference, IsRefusedByName) {
  EXPECT_TRUE(refuse_references(*parse_template("(?x:int, $x)")).ok());
  const Status status = refuse_references(step("(1, [$x])"));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("refers to $x"));
}

TEST(Reference, NamesAreBoundByATuple) {
  NameValues bound;
  bind_names(*parse_template("(?a:int, ?b:...)"), Tuple::of({1, 2, 3})->bytes(), bound);
  bind_names(*parse_template("(?)"), Tuple::of({1})->bytes(), bound);
  ASSERT_EQ(bound.size(), 2u);
  EXPECT_EQ(*value_of(bound, "a"), canonical(1));
  EXPECT_EQ(*value_of(bound, "b"), canonical(Value::List{2, 3}));
  EXPECT_EQ(value_of(bound, "c"), nullptr);
}

// What is put, printed again; or the error.
std::string fields_again(std::string_view text, const Arguments& arguments = {}) {
  const auto parsed = parse_expressions(text, kBound, arguments);
  return parsed.ok() ? to_text(*parsed) : parsed.status().message();
}

TEST(Expression, IsAValueOrANamePlusANumber) {
  for (const std::string text : {"()", "(\"n\", $n+1)", "($n-1, $x:string, [1, {}], $n:int+12)"}) {
    EXPECT_EQ(fields_again(text), text);
  }
  EXPECT_EQ(fields_again("( $n , )"), "($n)");
  EXPECT_EQ(fields_again("($n+0)"), "($n)");
  EXPECT_EQ(fields_again("($id:int+1, $s)", {{"id", "6"}, {"s", "t"}}), "(7, \"t\")");
}

TEST(Expression, SaysWhatIsWrong) {
  EXPECT_EQ(fields_again("(1, $m)"), "column 5: $m has no value; an earlier step names it ?m:");
  EXPECT_EQ(fields_again("(1, ?int)"),
            "column 5: out needs values or names; this is the template ?int");
  EXPECT_THAT(fields_again("([$n])"), HasSubstr("column 2"));
  EXPECT_THAT(fields_again("($n+1.5)"), HasSubstr("an int to add"));
  EXPECT_THAT(fields_again("($n+99999999999999999999)"), HasSubstr("an int to add"));
  EXPECT_THAT(fields_again("($n 1)"), HasSubstr("expected \",\" or \")\""));
  EXPECT_THAT(fields_again("($s+1)", {{"s", "t"}}), HasSubstr("needs an int"));
}

TEST(Expression, IsEvaluatedWithWhatNamesStandFor) {
  const auto put = [](std::string_view text) {
    std::string bytes;
    const std::vector<Expression> fields = *parse_expressions(text, kBound);
    for (const Expression& field : fields) {
      const auto value = evaluate(field, values());
      if (!value.ok()) return value.status().message();
      bytes += *value;
    }
    return to_text(Tuple::from_canonical(bytes, fields.size()));
  };
  EXPECT_EQ(put("('was', $n, $n+1, $n-8, $x)"), "(\"was\", 7, 8, -1, \"a\")");
  EXPECT_THAT(put("($x+1)"), HasSubstr("x is of type string"));
  EXPECT_THAT(put("($n:string)"), HasSubstr("n is of type int"));
  EXPECT_THAT(put("($n+9223372036854775801)"), HasSubstr("beyond int"));
}

TEST(Expression, TravelsAsProtobuf) {
  const std::vector<Expression> fields = *parse_expressions("(1, 'a', $n, $n:int-3)", kBound);
  for (const Expression& field : fields) {
    std::string wire;
    append_wire(field, wire);
    const auto again = expression_from_wire(wire);
    ASSERT_TRUE(again.ok()) << again.status().message();
    EXPECT_EQ(*again, field);
  }
  EXPECT_FALSE(expression_from_wire("").ok());
}

}  // namespace
}  // namespace tuplespace
