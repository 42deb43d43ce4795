package oracle

import (
	"fmt"
	"sort"

	"kafkacoord/coord/wire"
)

// steps translates a server's zxids into counts from the start of a seed, so
// that those of two servers can be compared. After a wanted difference that
// costs one of the servers a zxid more, both go on from the same count.
type steps struct {
	segments []segment
}

// segment translates all zxids above after.
type segment struct {
	after  int64
	offset int64 // zxid - count
}

// start makes zxid count 0 and forgets everything before.
func (s *steps) start(zxid int64) { s.segments = append(s.segments[:0], segment{zxid, zxid}) }

// resume makes all zxids above the given one count on from count.
func (s *steps) resume(zxid, count int64) {
	s.segments = append(s.segments, segment{zxid, zxid - count})
}

// count returns the place of a zxid; ok is false for one from before the start.
func (s *steps) count(zxid int64) (count int64, ok bool) {
	i := sort.Search(len(s.segments), func(i int) bool { return s.segments[i].after >= zxid }) - 1
	if i < 0 {
		return 0, len(s.segments) > 0 && zxid == s.segments[0].after
	}
	return zxid - s.segments[i].offset, true
}

// absolute is the zxid at a count.
func (s *steps) absolute(count int64) int64 {
	i := len(s.segments) - 1
	for i > 0 && count <= s.segments[i].after-s.segments[i].offset {
		i--
	}
	return s.segments[i].offset + count
}

// words prints a zxid as a count; 0 and -1 have meanings of their own.
func (s *steps) words(zxid wire.Zxid) string {
	if zxid == 0 || zxid == -1 {
		return fmt.Sprint(int64(zxid))
	}
	count, ok := s.count(int64(zxid))
	if !ok {
		return "before"
	}
	return fmt.Sprintf("+%d", count)
}
