package main

import (
	"fmt"
	"strconv"

	"github.com/anishathalye/porcupine"
)

// ask is what a client asked for. argument: the tuple's id (out), or the number of the hold.
type ask struct {
	kind     string
	number   int64
	argument int64
}

func (a ask) String() string { return fmt.Sprintf("%d: %s %d", a.number, a.kind, a.argument) }

// entry is a tuple that is there; holder is the number of the hold that has it, 0 if nobody has.
type entry struct {
	id     int64
	holder int64
}

// The model of a tuple space, as far as one key goes: the tuples in order of their places. A take
// gets the oldest that nobody holds; none means that there is none; a hold has its tuple until it
// is settled or its lease ends, and its tuple comes back to its place. What has no known outcome
// may happen at any time after it was asked, or at the end, where nobody notices.
var spaceModel = porcupine.Model{
	Init: func() interface{} { return []entry{} },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		return step(state.([]entry), input.(ask), output.(string))
	},
	Equal: func(a, b interface{}) bool { return equal(a.([]entry), b.([]entry)) },
}

func step(space []entry, asked ask, outcome string) (bool, []entry) {
	switch asked.kind {
	case "out":
		return true, append(append([]entry{}, space...), entry{id: asked.argument})
	case "in", "rd", "hold":
		return look(space, asked, outcome)
	case "done", "back", "expire":
		return end(space, asked, outcome)
	}
	panic("no such operation: " + asked.kind)
}

// look does what finds the oldest tuple that nobody holds.
func look(space []entry, asked ask, outcome string) (bool, []entry) {
	at := 0
	for at < len(space) && space[at].holder != 0 {
		at++
	}
	if at == len(space) {
		return outcome == "none" || outcome == "unknown", space
	}
	if outcome != "unknown" && outcome != strconv.FormatInt(space[at].id, 10) {
		return false, space
	}
	switch asked.kind {
	case "in":
		return true, without(space, at)
	case "hold":
		return true, held(space, at, asked.number)
	}
	return true, space
}

// end does what ends a hold.
func end(space []entry, asked ask, outcome string) (bool, []entry) {
	at := 0
	for at < len(space) && space[at].holder != asked.argument {
		at++
	}
	if at == len(space) {
		return outcome == "ended" || outcome == "unknown", space
	}
	if outcome == "ended" {
		return false, space
	}
	if asked.kind == "done" {
		return true, without(space, at)
	}
	return true, held(space, at, 0)
}

func without(space []entry, at int) []entry {
	return append(append([]entry{}, space[:at]...), space[at+1:]...)
}

func held(space []entry, at int, holder int64) []entry {
	next := append([]entry{}, space...)
	next[at].holder = holder
	return next
}

func equal(a, b []entry) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
