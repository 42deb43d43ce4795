package core

import "kafkacoord/coord/wire"

// ThrottleConfig limits how fast sessions are opened: a bucket of tokens that
// refills with time, and on top of it a share of requests dropped at random
// that grows while the bucket stays empty and shrinks while it stays full.
// ZooKeeper: BlueThrottle.java; the keys are zookeeper.connection_throttle_*.
type ThrottleConfig struct {
	Tokens    int         // size of the bucket; 0: no limit
	FillTime  wire.Millis // FillCount tokens come back in this time
	FillCount int
	// NewCost and RenewCost are the tokens that a new session and a returning
	// one take.
	NewCost, RenewCost int
	// FreezeTime is the least time between two changes of the share that is
	// dropped; negative: nothing is dropped at random.
	FreezeTime                              wire.Millis
	DropIncrease, DropDecrease, DropNothing float64
}

// throttle is the state of the bucket.
type throttle struct {
	config     ThrottleConfig
	tokens     int
	filled     wire.Millis // of the last refill, monotonic
	drop       float64     // share of requests dropped at random, 0 to 1
	changed    wire.Millis // of drop
	randomness uint64
}

func newThrottle(c ThrottleConfig, now wire.Millis) throttle {
	return throttle{config: c, tokens: c.Tokens, filled: now, changed: now, randomness: uint64(now)*2 + 1}
}

// admit takes cost tokens, or returns false.
func (t *throttle) admit(now wire.Millis, cost int) bool {
	c := &t.config
	if c.Tokens == 0 {
		return true
	}
	if passed := now - t.filled; passed >= max(c.FillTime, 1) {
		t.tokens = int(min(int64(t.tokens)+int64(passed)*int64(c.FillCount)/int64(max(c.FillTime, 1)), int64(c.Tokens)))
		t.filled = now
	}
	if c.FreezeTime >= 0 && t.dropped(now) {
		return false
	}
	if t.tokens < cost {
		return false
	}
	t.tokens -= cost
	return true
}

// dropped moves the share that is dropped and draws a lot.
func (t *throttle) dropped(now wire.Millis) bool {
	c := &t.config
	if now-t.changed > c.FreezeTime {
		switch used := c.Tokens - t.tokens; {
		case used == c.Tokens:
			t.drop = min(t.drop+c.DropIncrease, 1)
		case float64(used) <= float64(c.Tokens)*c.DropNothing:
			t.drop = max(t.drop-c.DropDecrease, 0)
		}
		t.changed = now
	}
	// xorshift: the lots need to be even, not secret, and the same in a replay.
	t.randomness ^= t.randomness << 13
	t.randomness ^= t.randomness >> 7
	t.randomness ^= t.randomness << 17
	return float64(t.randomness>>11)/(1<<53) < t.drop
}
