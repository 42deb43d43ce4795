package bench

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"kafkacoord/coord/wire"
)

// Znodes lie in directories of directorySize, so that no parent gets so many
// children that clients could no longer list them. A key is the number of a
// znode: <root>/d<key / directorySize>/k<key>.
const (
	directorySize   = 10_000
	directoryDigits = 6
	keyDigits       = 10
	keySpace        = 10_000_000_000 // keys have keyDigits digits
)

func directoryPath(root string, directory int64) string {
	b := append([]byte(root), "/d000000"...)
	putDigits(b[len(b)-directoryDigits:], directory)
	return string(b)
}

func keyPath(root string, key int64) string {
	b := append([]byte(root), "/d000000/k0000000000"...)
	putDigits(b[len(b)-keyDigits:], key)
	putDigits(b[len(b)-keyDigits-2-directoryDigits:][:directoryDigits], key/directorySize)
	return string(b)
}

// putDigits fills b with the decimal digits of v, leading zeros included.
func putDigits(b []byte, v int64) {
	u := uint64(v)
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + u%10)
		u /= 10
	}
}

// source makes requests. next appends one whole frame to dst; it reports false
// when there is nothing left to ask for. A source belongs to one connection.
type source interface {
	next(dst []byte, xid int32) ([]byte, bool)
}

// template is an encoded request whose xid and key are patched in place.
type template struct {
	frame []byte
	keys  []int // where the ten digits of a key stand; the directory is before them
}

// newTemplate encodes the request that make returns for the path of key 0. The
// path must appear in it exactly paths times.
func newTemplate(root string, request func(path string) wire.Request) template {
	const marker = 1_234_567_890
	r := request(keyPath(root, marker))
	t := template{frame: wire.AppendRequestFrame(nil, 0, &r)}
	digits := strconv.FormatInt(marker, 10)
	for i := 0; i+keyDigits <= len(t.frame); i++ {
		if string(t.frame[i:i+keyDigits]) == digits {
			t.keys = append(t.keys, i)
		}
	}
	return t
}

// append adds the request for one key to dst.
func (t *template) append(dst []byte, xid int32, key int64) []byte {
	start := len(dst)
	dst = append(dst, t.frame...)
	frame := dst[start:]
	binary.BigEndian.PutUint32(frame[4:], uint32(xid))
	for _, at := range t.keys {
		putDigits(frame[at:at+keyDigits], key)
		putDigits(frame[at-2-directoryDigits:at-2], key/directorySize)
	}
	return dst
}

// random is the xorshift64* generator: a few instructions a number, which is
// all the choice of a key needs.
type random uint64

func newRandom(seed int) random { return random(uint64(seed+1) * 0x9e3779b97f4a7c15) }

// below returns a number from 0 to n-1.
func (r *random) below(n uint64) uint64 {
	x := *r
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = x
	hi, _ := bits.Mul64(uint64(x)*0x2545f4914f6cdd1d, n)
	return hi
}

// randomSource asks for keys at random, a share of them with the first
// template, the rest with the second.
type randomSource struct {
	random       random
	keys         uint64
	first        template
	firstPercent uint64 // 100: always the first
	second       template
}

func (s *randomSource) next(dst []byte, xid int32) ([]byte, bool) {
	t := &s.first
	if s.firstPercent < 100 && s.random.below(100) >= s.firstPercent {
		t = &s.second
	}
	return t.append(dst, xid, int64(s.random.below(s.keys))), true
}

// sequence asks for the keys from at to end in turn. With a directory template
// it asks for each key's directory first when it has not been asked for.
type sequence struct {
	first     int64 // where at began
	at, end   int64
	key       template
	root      string
	directory func(path string) wire.Request // nil: directories are there
	made      int64                          // directories below are there
}

func (s *sequence) next(dst []byte, xid int32) ([]byte, bool) {
	if s.at >= s.end {
		return dst, false
	}
	if s.directory != nil && s.made <= s.at/directorySize {
		s.made = s.at/directorySize + 1
		r := s.directory(directoryPath(s.root, s.made-1))
		return wire.AppendRequestFrame(dst, xid, &r), true
	}
	dst = s.key.append(dst, xid, s.at)
	s.at++
	return dst, true
}

// batches asks for count things in multis of batchSize.
type batches struct {
	at, end int64
	request func(i int64) wire.Request
	subs    []wire.Request
}

// batchSize is the number of operations in one multi of a batch: small enough
// for every server's frame limit at the default value size, large enough to
// make the cost of a transaction disappear.
const (
	batchSize     = 200
	batchBytesMax = 512 << 10
)

func (s *batches) next(dst []byte, xid int32) ([]byte, bool) {
	if s.at >= s.end {
		return dst, false
	}
	s.subs = s.subs[:0]
	for size := 0; s.at < s.end && len(s.subs) < batchSize && size < batchBytesMax; s.at++ {
		r := s.request(s.at)
		size += len(r.Data)
		s.subs = append(s.subs, r)
	}
	return wire.AppendRequestFrame(dst, xid, &wire.Request{Op: wire.OpMulti, Subs: s.subs}), true
}
