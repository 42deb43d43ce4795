package certify

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kafkacoord/coord/wire"
)

// Mismatch is an outcome that is not what Kafka relies on.
type Mismatch struct {
	What     string // whose value it is: "data version", "watch event"
	Expected string
	Got      string
}

// Error names the value, what was expected and what came.
func (m *Mismatch) Error() string {
	return fmt.Sprintf("%s: expected %s, got %s", m.What, m.Expected, m.Got)
}

// mismatch makes a Mismatch of two values.
func mismatch(what string, got, want any) error {
	return &Mismatch{What: what, Expected: describe(want), Got: describe(got)}
}

// textMax bounds how much of a value is shown: some are a mebibyte.
const textMax = 200

// describe shows a value as a person would write it; null data is not empty data.
func describe(v any) string {
	var text string
	switch v := v.(type) {
	case string:
		text = fmt.Sprintf("%q", v)
	case []byte:
		if v == nil {
			return "null"
		}
		text = fmt.Sprintf("%q", v)
	case wire.Code:
		return fmt.Sprintf("%s (%d)", v.String(), int32(v))
	case []string:
		if len(v) == 0 {
			return "none"
		}
		text = strings.Join(v, ", ")
	case []wire.Code:
		var codes []string
		for _, code := range v {
			codes = append(codes, describe(code))
		}
		return "[" + strings.Join(codes, ", ") + "]"
	default:
		text = fmt.Sprint(v)
	}
	if len(text) > textMax {
		text = strings.ToValidUTF8(text[:textMax/2], "") + "…" + strings.ToValidUTF8(text[len(text)-textMax/2:], "")
	}
	return text
}

// equal expects one value. Several expectations, and actions between them, are
// joined by cmp.Or: the first error is the step's. All of them are done; what
// follows a failure is done in vain, within the step's deadline.
func equal[T comparable](what string, got, want T) error {
	if got != want {
		return mismatch(what, got, want)
	}
	return nil
}

// sameData expects the data of a znode, in which null and empty differ.
func sameData(path string, got, want []byte) error {
	if string(got) != string(want) || (got == nil) != (want == nil) {
		return mismatch("data of "+path, got, want)
	}
	return nil
}

// grown expects a zxid that is higher than one seen before.
func grown(what string, got, before wire.Zxid) error {
	if got <= before {
		return &Mismatch{What: what, Expected: "more than " + describe(before), Got: describe(got)}
	}
	return nil
}

// asCode is the code that a request was refused with, OK when it was carried
// out; ok is false for an error that is not one.
func asCode(err error) (code wire.Code, ok bool) {
	if err == nil {
		return wire.OK, true
	}
	return errors.AsType[wire.Code](err)
}

// refusedWith expects a request to be refused with a code. A connection that is
// lost instead is an error of its own, with its reason.
func refusedWith(what string, err error, want wire.Code) error {
	got, ok := asCode(err)
	if !ok || got == wire.ConnectionLoss {
		return fmt.Errorf("%s: %w", what, err)
	}
	return equal(what, got, want)
}

// sameNames expects a child list, in any order.
func sameNames(path string, got, want []string) error {
	return sameList("children of "+path, slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

// sameEvents expects watch events in order.
func sameEvents(got, want []wire.WatcherEvent) error {
	return sameList("watch events", describeEvents(got), describeEvents(want))
}

// listShown is how long a list may be to be shown as a whole.
const listShown = 10

// sameList expects a list. Of long ones the first difference is shown.
func sameList(what string, got, want []string) error {
	switch {
	case slices.Equal(got, want):
		return nil
	case max(len(got), len(want)) <= listShown:
		return mismatch(what, got, want)
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	shown := func(list []string) string {
		if at == len(list) {
			return fmt.Sprintf("%d", len(list))
		}
		return fmt.Sprintf("%d with %s at place %d", len(list), describe(list[at]), at+1)
	}
	return &Mismatch{What: what, Expected: shown(want), Got: shown(got)}
}

func describeEvents(events []wire.WatcherEvent) []string {
	texts := make([]string, len(events))
	for i, e := range events {
		texts[i] = describeEvent(e)
	}
	return texts
}

func describeEvent(e wire.WatcherEvent) string {
	name := fmt.Sprintf("event type %d of", e.Type)
	switch e.Type {
	case wire.EventNodeCreated:
		name = "NodeCreated"
	case wire.EventNodeDeleted:
		name = "NodeDeleted"
	case wire.EventNodeDataChanged:
		name = "NodeDataChanged"
	case wire.EventNodeChildrenChanged:
		name = "NodeChildrenChanged"
	}
	return name + " " + e.Path
}

// event is a watch event as every server sends it.
func event(kind wire.EventType, path string) wire.WatcherEvent {
	return wire.WatcherEvent{Type: kind, State: wire.StateSyncConnected, Path: path}
}
