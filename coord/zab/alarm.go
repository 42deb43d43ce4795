package zab

import (
	"math"

	"kafkacoord/coord/wire"
)

// never is a time that does not come.
const never wire.Millis = math.MaxInt64

// alarm is a limit of time. Only ticks know what time it is, so it begins with
// the first tick after it was set. The zero value never rings.
type alarm struct {
	set, running bool
	length, at   wire.Millis
}

// start sets the alarm, anew if it is set.
func (a *alarm) start(length wire.Millis) { *a = alarm{set: true, length: length} }

func (a *alarm) stop() { *a = alarm{} }

// rings lets time pass and tells whether it is up.
func (a *alarm) rings(now wire.Millis) bool {
	if a.set && !a.running {
		a.running, a.at = true, now+a.length
	}
	return a.set && now >= a.at
}

// wake is when rings wants to be called; now is the time of the last tick.
func (a *alarm) wake(now wire.Millis) wire.Millis {
	switch {
	case !a.set:
		return never
	case !a.running:
		return now
	}
	return a.at
}
