// check_history decides whether what clients saw of a tuple space can have happened in one order.
//
//	check_history FILE [--seconds N]
//
// FILE is what historians of the crash campaign wrote (tests/crash/chronicle.h). Every key is
// decided by itself, with Porcupine and the model of space.go. Exit code 1: a promise was broken;
// the history of that key is printed. 2: the file is none, or a key could not be decided in time.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	never   = int64(1) << 60 // microseconds: whoever never heard an outcome
	slackUs = 5_000          // a lease is counted in whole milliseconds
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "check_history FILE [--seconds N]")
		os.Exit(2)
	}
	seconds := 30
	if len(os.Args) == 4 && os.Args[2] == "--seconds" {
		seconds, _ = strconv.Atoi(os.Args[3])
	}
	lines, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "check_history:", err)
		os.Exit(2)
	}
	os.Exit(decide(lines, time.Duration(seconds)*time.Second))
}

// read returns the file's operations by key.
func read(path string) (map[int64][]porcupine.Operation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	keys := map[int64][]porcupine.Operation{}
	scanner := bufio.NewScanner(file)
	for line := 1; scanner.Scan(); line++ {
		words := strings.Fields(scanner.Text())
		if len(words) != 9 {
			return nil, fmt.Errorf("%s:%d: %d words, expected 9", path, line, len(words))
		}
		var numbers [7]int64 // number client key argument lease call return
		for i, at := range []int{0, 1, 2, 4, 5, 6, 7} {
			if numbers[i], err = strconv.ParseInt(words[at], 10, 64); err != nil {
				return nil, fmt.Errorf("%s:%d: %v", path, line, err)
			}
		}
		asked := ask{kind: words[3], number: numbers[0], argument: numbers[3]}
		key, lease, call, ret := numbers[2], numbers[4], numbers[5], numbers[6]
		if ret < 0 {
			ret = never
		}
		keys[key] = append(keys[key], porcupine.Operation{
			ClientId: int(numbers[1]), Input: asked, Call: call, Output: words[8], Return: ret})
		if asked.kind == "hold" && words[8] != "none" {
			// The lease may end at any time from here on.
			keys[key] = append(keys[key], porcupine.Operation{
				ClientId: -1, Input: ask{kind: "expire", argument: asked.number},
				Call: call + lease - slackUs, Output: "unknown", Return: never})
		}
	}
	return keys, scanner.Err()
}

func decide(keys map[int64][]porcupine.Operation, limit time.Duration) int {
	order := make([]int64, 0, len(keys))
	operations := 0
	for key, history := range keys {
		order = append(order, key)
		operations += len(history)
	}
	sort.Slice(order, func(i, j int) bool { return order[i] < order[j] })
	deadline := time.Now().Add(limit)
	undecided := 0
	for at, key := range order {
		left := time.Until(deadline)
		if left < time.Second {
			left = time.Second
		}
		switch porcupine.CheckOperationsTimeout(spaceModel, keys[key], left) {
		case porcupine.Illegal:
			fmt.Printf("no order explains what clients saw of key %d:\n", key)
			show(keys[key])
			fmt.Printf("the others are not looked at: it was number %d of %d\n", at+1, len(order))
			return 1
		case porcupine.Unknown:
			undecided++
		}
	}
	fmt.Printf("%d keys, %d operations: no key breaks a promise, %d undecided\n",
		len(order), operations, undecided)
	if undecided > 0 {
		return 2
	}
	return 0
}

func show(history []porcupine.Operation) {
	sort.Slice(history, func(i, j int) bool { return history[i].Call < history[j].Call })
	first := history[0].Call
	for _, operation := range history {
		until := "never"
		if operation.Return != never {
			until = strconv.FormatInt(operation.Return-first, 10)
		}
		fmt.Printf("  %8d to %8s  client %2d  %s -> %v\n", operation.Call-first, until,
			operation.ClientId, operation.Input.(ask), operation.Output)
	}
}
