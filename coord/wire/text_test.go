package wire

import (
	"strings"
	"testing"
)

func TestStringEncoding(t *testing.T) {
	for in, want := range map[string]string{
		"":               "00000000",
		"/a":             "00000002 2f61",
		"é":              "00000002 c3a9",
		"€":              "00000003 e282ac",
		"\uffff":         "00000003 efbfbf",
		"/😀":             "00000007 2f eda0bd edb880", // seen on a Java server
		"\U0010ffff":     "00000006 edafbf edbfbf",
		"\U00010000é":    "00000008 eda080 edb080 c3a9",
		"a\xf0\x9f.":     "00000008 61 efbfbd efbfbd 2e", // not UTF-8: still a frame that adds up
		"\xff\U0001f600": "00000009 efbfbd eda0bd edb880",
	} {
		wantBytes(t, in, AppendString(nil, in), unhex(t, want))
	}
}

// TestTextOf has what Java 17 answers to new String(bytes, UTF_8).
func TestTextOf(t *testing.T) {
	const r = "\ufffd"
	for in, want := range map[string]string{
		"":                         "",
		"/plain":                   "/plain",
		"\xc3\xa9\xf0\x9f\x98\x80": "é😀",
		"\x80":                     r,
		"\x80\xbf":                 r + r,
		"\xc0\x80":                 r + r,
		"\xc3":                     r,
		"\xc3A":                    r + "A",
		"\xe2\x82":                 r,
		"\xe2\x82A":                r + "A",
		"\xe0\x80\x80":             r + r + r,
		"\xe0\xa0A":                r + "A",
		"\xed\xa0\xbd\xed\xb8\x80": r + r, // one per surrogate
		"\xed\xa0A":                r + "A",
		"\xed\xa0":                 r,
		"\xf0\x9f\x98":             r,
		"\xf0\x9f\x98A":            r + "A",
		"\xf0\x80\x80\x80":         r + r + r + r,
		"\xf4\x90\x80\x80":         r + r + r + r,
		"\xf4\x8f\xbfA":            r + "A",
		"\xf5\x80":                 r + r,
		"\xff\xfe":                 r + r,
	} {
		if got := TextOf([]byte(in)); got != want {
			t.Errorf("%x: %q, want %q", in, got, want)
		}
		for _, clone := range []bool{false, true} {
			d := NewDecoder(append(AppendInt(nil, int32(len(in))), in...))
			d.Clone = clone
			if got := d.String(); got != want || d.Err() != nil {
				t.Errorf("%x (clone %v): %q, %v, want %q", in, clone, got, d.Err(), want)
			}
		}
	}
}

// TestSurrogatesDoNotComeBack: as on a Java server, a character above U+FFFF
// that was written is read as two U+FFFD.
func TestSurrogatesDoNotComeBack(t *testing.T) {
	d := NewDecoder(AppendString(nil, "😀"))
	if got := d.String(); got != "\ufffd\ufffd" {
		t.Errorf("read back %q", got)
	}
}

func TestPathOK(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/a": true, "/a/b": true, "/...": true, "/..a": true, "/.a": true, "/a.": true, "/a b": true,
		"/~": true, "/é/€": true, "/\u00a0": true, "/\ud7ff": true, "/\uf900": true, "/\uffef": true,
		"": false, "a": false, "a/b": false, "//": false, "/a/": false, "/a//b": false, "//a": false,
		"/.": false, "/..": false, "/a/.": false, "/a/../b": false, "/./a": false, "/é/../b": false, "/é/": false,
		"/\x00": false, "/a\x00b": false, "/\x1f": false, "/\x7f": false, "/\u0080": false, "/\u009f": false,
		"/\ue000": false, "/\uf8ff": false, "/\ufff0": false, "/\ufffd": false, "/\uffff": false,
		"/😀": false, "/\U0010ffff": false, "/\xff": false, "/a/\xc3": false, "/é/\x01": false,
	} {
		if got := PathOK(path); got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
	long := "/" + strings.Repeat("x", 1<<16)
	if n := testing.AllocsPerRun(10, func() { PathOK(long) }); n != 0 {
		t.Errorf("a check allocates %v times", n)
	}
}

func TestPathParts(t *testing.T) {
	for path, want := range map[string][2]string{
		"/a": {"", "a"}, "/a/b": {"/a", "b"}, "/a/": {"/a", ""}, "/": {"", ""}, "x/y": {"x", "y"},
	} {
		if got := [2]string{ParentPath(path), BaseName(path)}; got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Zxid(0x100000005).String():   "0x100000005",
		Zxid(-1).String():            "0xffffffffffffffff",
		SessionID(-1 << 63).String(): "0x8000000000000000",
		OpCreate2.String():           "create",
		Op(99).String():              "op 99",
		OpMultiRead.Short():          "MLTR",
		Op(99).Short():               "NA",
		NoNode.String():              "node does not exist",
		Code(-99).String():           "code -99",
		NoAuth.Error():               "zookeeper: not authorized",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if z := Zxid(0x700000009); z.Epoch() != 7 || z.Counter() != 9 {
		t.Errorf("%v has epoch %d, counter %d", z, z.Epoch(), z.Counter())
	}
}

func TestOpClasses(t *testing.T) {
	for op, write := range map[Op]bool{
		OpCreate: true, OpDelete: true, OpSetData: true, OpSetACL: true, OpMulti: true, OpCreate2: true,
		OpCreateContainer: true, OpCreateTTL: true, OpReconfig: true, OpCloseSession: true,
		OpExists: false, OpGetData: false, OpGetACL: false, OpGetChildren: false, OpGetChildren2: false,
		OpSync: false, OpPing: false, OpCheckWatches: false, OpRemoveWatches: false, OpMultiRead: false,
		OpAuth: false, OpSetWatches: false, OpSASL: false, OpGetEphemerals: false,
		OpGetAllChildrenNumber: false, OpSetWatches2: false, OpAddWatch: false, OpWhoAmI: false,
	} {
		if !op.ClientMaySend() || op.IsWrite() != write {
			t.Errorf("%v (%d): may be sent %v, write %v", op, op, op.ClientMaySend(), op.IsWrite())
		}
	}
	for _, op := range []Op{OpNotification, OpError, OpCheck, OpCreateSession, OpDeleteContainer, 10, 23, 99, 108, -12} {
		if op.ClientMaySend() {
			t.Errorf("a client may send %v (%d)", op, op)
		}
	}
	for op, i := range ops {
		if i.write != op.IsWrite() {
			t.Errorf("%v: two answers to whether it writes", op)
		}
	}
}
