// AtomicModel says what an atomic means: for every step a loop over all tuples, from left to
// right, until one combination lets all steps happen; then they do.
#pragma once

#include <algorithm>
#include <map>

#include "tests/model/model.h"
#include "tuplespace/tuple/reference.h"

namespace tuplespace {
struct AtomicModel {
  explicit AtomicModel(Model& model) : model(model) {}

  // What is put, or the error in its place.
  struct Put {
    std::string space;
    Tuple tuple;
    size_t step;
  };
  Model& model;
  // May these be put, while so many of each space make room for them?
  std::function<Code(const std::vector<Put>&, const std::map<std::string, int>& freed)> may_put;
  std::function<Sequence(const ReplyTo&, size_t step)> place_of;  // the other one's choice
  std::function<void(const Model::Asked&, const AtomicAnswer&, const std::vector<std::string>&)>
      on_answer;  // with the spaces that changed
  std::function<void(const Model::Asked&, Code)> on_refusal;

  // A tuple that comes or leaves matters to `asked` if one of its templates matches it, whatever
  // names stand for.
  static bool matters(const Model::Asked& asked, const Model::Item& item, bool leaves) {
    for (const Steps& steps : *asked.atomic) {
      for (const Step& step : steps) {
        const auto* take = std::get_if<TakeStep>(&step);
        const auto* count = std::get_if<CountStep>(&step);
        const auto fits = [&](const auto& part) {
          return part.space == item.space && widened(part.wanted).matches(item.tuple);
        };
        if (take && !leaves && fits(*take)) return true;
        if (!count || !fits(*count)) continue;
        if (count->comparison != (leaves ? Comparison::kGreater : Comparison::kLess)) return true;
      }
    }
    return false;
  }

  // Does what `asked` wants, or answers that it may not. False: it cannot happen now.
  bool happen(const Model::Asked& asked) {
    for (size_t i = 0; i < asked.atomic->size(); ++i) {
      const Steps& steps = (*asked.atomic)[i];
      chosen.assign(steps.size(), 0);
      counts.assign(steps.size(), 0);
      names.clear();
      if (!choose(steps, 0)) continue;
      perform(asked, steps, uint32_t(i));
      return true;
    }
    return false;
  }

 private:
  bool choose(const Steps& steps, size_t at) {
    if (at == steps.size()) return counts_hold(steps);
    const auto* take = std::get_if<TakeStep>(&steps[at]);
    if (!take) return choose(steps, at + 1);
    const auto wanted = instantiate(take->wanted, names);
    for (size_t i = 0; wanted && i < model.items.size(); ++i) {
      const Model::Item& item = model.items[i];
      if (!model.available(item) || item.space != take->space || is_chosen(item.place)) continue;
      if (!wanted->matches(item.tuple)) continue;
      const size_t before = names.size();
      chosen[at] = item.place;
      bind_names(*wanted, item.tuple.bytes(), names);
      if (choose(steps, at + 1)) return true;
      names.resize(before);
      chosen[at] = 0;
    }
    return false;
  }

  bool counts_hold(const Steps& steps) {
    for (size_t i = 0; i < steps.size(); ++i) {
      const auto* count = std::get_if<CountStep>(&steps[i]);
      if (!count) continue;
      const auto wanted = instantiate(count->wanted, names);
      uint64_t left = 0;
      for (const Model::Item& item : model.items) {
        if (!wanted || !model.available(item) || item.space != count->space) continue;
        left += wanted->matches(item.tuple) && !is_taken(steps, item.place);
      }
      counts[i] = left;
      const bool holds = count->comparison == Comparison::kLess    ? left < count->value
                         : count->comparison == Comparison::kEqual ? left == count->value
                                                                   : left > count->value;
      if (!holds) return false;
    }
    return true;
  }

  bool is_chosen(Sequence place) const { return std::ranges::count(chosen, place) > 0; }
  bool is_taken(const Steps& steps, Sequence place) const {
    for (size_t i = 0; i < steps.size(); ++i) {
      const auto* take = std::get_if<TakeStep>(&steps[i]);
      if (take && take->remove && chosen[i] == place) return true;
    }
    return false;
  }

  void perform(const Model::Asked& asked, const Steps& steps, uint32_t alternative) {
    std::vector<Put> puts;
    std::map<std::string, int> freed;
    std::vector<std::string> changed;
    for (size_t i = 0; i < steps.size(); ++i) {
      const auto* take = std::get_if<TakeStep>(&steps[i]);
      if (take && take->remove) changed.push_back(take->space);
      if (take && take->remove) ++freed[take->space];  // what puts, takes for good
      const auto* out = std::get_if<OutStep>(&steps[i]);
      if (!out) continue;
      std::string bytes;
      for (const Expression& field : out->fields) {
        const auto value = evaluate(field, names);
        if (!value.ok()) return on_refusal(asked, value.status().code());
        bytes += *value;
      }
      changed.push_back(out->space);
      puts.push_back({out->space, Tuple::from_canonical(bytes, out->fields.size()), i});
    }
    if (const Code code = may_put(puts, freed); code != Code::kOk) return on_refusal(asked, code);
    AtomicAnswer did;
    did.alternative = alternative;
    did.steps.resize(steps.size());
    for (size_t i = 0; i < steps.size(); ++i) {
      did.steps[i].count = counts[i];
      if (chosen[i] == 0) continue;
      Model::Item& item = *std::ranges::find(model.items, chosen[i], &Model::Item::place);
      did.steps[i].found = Found{item.place, item.tuple, item.attempt, 0, 0};
      const Caller& holder = puts.empty() ? asked.caller : Caller{};
      if (std::get<TakeStep>(steps[i]).remove) model.take_away(item, holder);
    }
    std::vector<Model::Item> many;
    for (const Put& put : puts) {
      did.steps[put.step].id = place_of(asked.reply, put.step);
      many.push_back({put.space, did.steps[put.step].id, put.tuple});
    }
    on_answer(asked, did, changed);
    model.out(std::move(many), false);
  }

  std::vector<Sequence> chosen;  // parallel to the steps; 0: none
  std::vector<uint64_t> counts;
  NameValues names;
};
}  // namespace tuplespace
