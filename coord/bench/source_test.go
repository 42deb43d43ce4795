package bench

import (
	"bytes"
	"testing"

	"kafkacoord/coord/wire"
)

// TestTemplatesEqualEncodedRequests patches and compares with an encoding from
// scratch.
func TestTemplatesEqualEncodedRequests(t *testing.T) {
	requests := map[string]func(path string) wire.Request{
		"get":    func(path string) wire.Request { return wire.Request{Op: wire.OpGetData, Path: path} },
		"create": func(path string) wire.Request { return createRequest(path, []byte("some data")) },
		"delete": deleteRequest,
		"multi": func(path string) wire.Request {
			return wire.Request{Op: wire.OpMulti, Subs: []wire.Request{
				{Op: wire.OpCheck, Path: path, Version: -1},
				{Op: wire.OpSetData, Path: path, Data: []byte("v"), Version: -1},
			}}
		},
	}
	for name, request := range requests {
		patched := newTemplate("/root", request)
		for _, key := range []int64{0, 7, 9_999, 10_000, 1_234_567_890, keySpace - 1} {
			r := request(keyPath("/root", key))
			want := wire.AppendRequestFrame(nil, 77, &r)
			if got := patched.append(nil, 77, key); !bytes.Equal(got, want) {
				t.Errorf("%s of key %d:\n%q, want\n%q", name, key, got, want)
			}
		}
	}
	if got, want := keyPath("/r", 12_345_678), "/r/d001234/k0012345678"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

func TestRandomCoversKeysEvenly(t *testing.T) {
	r := newRandom(3)
	var seen [10]int
	for range 10_000 {
		seen[r.below(10)]++
	}
	for key, n := range seen {
		if n < 800 || n > 1200 {
			t.Errorf("key %d was chosen %d times of 10,000, want about 1,000", key, n)
		}
	}
}

func TestXidWrapsToOne(t *testing.T) {
	if got := nextXid(1<<31 - 1); got != 1 {
		t.Errorf("after the largest xid comes %d, want 1", got)
	}
}

// BenchmarkSource is what the making of one request costs.
func BenchmarkSource(b *testing.B) {
	s := &randomSource{random: newRandom(1), keys: 10_000, firstPercent: 100, first: newTemplate("/root", func(path string) wire.Request {
		return wire.Request{Op: wire.OpGetData, Path: path}
	})}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = s.next(buf[:0], 1)
	}
}
