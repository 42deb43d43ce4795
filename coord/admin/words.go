package admin

import (
	"encoding/binary"
	"slices"
	"strings"
)

// telnetInterrupt is what a telnet client sends on an interrupt; the connection
// is closed without an answer.
var telnetInterrupt = [4]byte{0xff, 0xf4, 0xff, 0xfd}

// answer writes the text of one word.
type answer func(r *request)

// word is one row of the table of words.
type word struct {
	name   string
	detail Detail
	// answer writes the text of a serving server.
	answer answer
	// idle writes the text while the server is not serving; nil = the usual
	// sentence.
	idle answer
}

// wordTable is every word. All but memb, which is our own, are ZooKeeper's.
//
// ZooKeeper: FourLetterCommands.java.
var wordTable = []word{
	{"conf", DetailDirectories, conf, nil},
	{"cons", DetailConnections, cons, nil},
	{"crst", 0, resetConnections, nil},
	{"dirs", DetailDirectories, dirs, nil},
	{"dump", DetailSessions | DetailConnections, dump, nil},
	{"envi", 0, environment, environment},
	{"gtmk", 0, traceMask, traceMask},
	{"hash", DetailDigests, hash, func(r *request) { r.text(notServing) }},
	{"isro", 0, isReadOnly, func(r *request) { r.text("null") }},
	{"memb", DetailCounts | DetailMember, memberReport, memberReport},
	{"mntr", DetailCounts | DetailMember, monitor, nil},
	{"ruok", 0, areYouOK, areYouOK},
	{"srst", 0, resetServer, nil},
	{"srvr", 0, serverStat, nil},
	{"stat", DetailConnections, stat, nil},
	{"stmk", 0, setTraceMask, setTraceMask},
	{"wchc", DetailWatches, watchesBySession, nil},
	{"wchp", DetailWatches, watchesByPath, nil},
	{"wchs", DetailWatchSummary, watchSummary, nil},
}

const notServing = "This ZooKeeper instance is not currently serving requests"

func find(name string) *word {
	for at := range wordTable {
		if wordTable[at].name == name {
			return &wordTable[at]
		}
	}
	return nil
}

// IsWord tells whether the first four bytes of a connection are a word rather
// than a frame length.
func IsWord(first4 [4]byte) bool {
	return first4 == telnetInterrupt || find(string(first4[:])) != nil
}

// ArgumentBytes is the number of bytes that follow the word: 8 for stmk (a
// big-endian mask), 0 for all others, whose further bytes are ignored.
func ArgumentBytes(name string) int {
	if name == "stmk" {
		return traceMaskBytes
	}
	return 0
}

const traceMaskBytes = 8

// Whitelist is the set of words that are answered.
type Whitelist struct{ allowed map[string]bool }

// NewWhitelist is the list of 4lw.commands.whitelist: words, or "*" for all.
// srvr is always in it, because zkServer.sh needs it; isro too when read-only
// mode is enabled, because clients need it.
//
// ZooKeeper: FourLetterCommands.isEnabled.
func NewWhitelist(words []string, readOnlyMode bool) Whitelist {
	w := Whitelist{allowed: map[string]bool{"srvr": true}}
	if readOnlyMode {
		w.allowed["isro"] = true
	}
	for _, name := range words {
		name = strings.TrimSpace(name)
		if name == "*" {
			for at := range wordTable {
				w.allowed[wordTable[at].name] = true
			}
		} else if name != "" {
			w.allowed[name] = true
		}
	}
	return w
}

// Allows tells whether a word is answered.
func (w Whitelist) Allows(name string) bool { return w.allowed[name] }

// Enabled lists the known words that are answered, sorted, for the log.
func (w Whitelist) Enabled() []string { return w.list(true) }

// Unknown lists entries that no word matches, sorted, for a warning.
func (w Whitelist) Unknown() []string { return w.list(false) }

func (w Whitelist) list(known bool) []string {
	var names []string
	for name := range w.allowed {
		if (find(name) != nil) == known {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Answer is the reply to a word, to be sent before the connection is closed.
// It is empty for the telnet interrupt and for unknown words. An argument of
// stmk follows the word directly: Answer("stmk\x00…", …).
//
// Count the word as one packet received before the call and the reply as one
// sent after it, as ZooKeeper does; clients look at the difference.
func Answer(name string, src Source, wl Whitelist) (reply []byte) {
	var argument string
	if len(name) > 4 {
		name, argument = name[:4], name[4:]
	}
	w := find(name)
	switch {
	case w == nil:
		return nil
	case !wl.Allows(name):
		return []byte(name + " is not executed because it is not in the whitelist.\n")
	}
	status := src.Status(w.detail)
	r := &request{source: src, status: &status, argument: argument}
	switch {
	case status.Serving:
		w.answer(r)
	case w.idle != nil:
		w.idle(r)
	default:
		r.line(notServing)
	}
	return r.reply
}

// request is one word being answered.
type request struct {
	source   Source
	status   *Status
	argument string
	reply    []byte
}

func (r *request) text(s string) { r.reply = append(r.reply, s...) }

func (r *request) line(s string) { r.reply = append(append(r.reply, s...), '\n') }

// TraceMasker is a Source that keeps a trace mask. Without it gtmk shows the
// default and stmk changes nothing.
type TraceMasker interface {
	TraceMask() int64
	SetTraceMask(mask int64)
}

// defaultTraceMask: client requests, sessions, expiry and warnings.
// ZooKeeper: ZooTrace.java.
const defaultTraceMask = 306

func traceMask(r *request) {
	mask := int64(defaultTraceMask)
	if m, ok := r.source.(TraceMasker); ok {
		mask = m.TraceMask()
	}
	r.number(mask)
}

func setTraceMask(r *request) {
	mask := int64(0)
	if len(r.argument) >= traceMaskBytes {
		mask = int64(binary.BigEndian.Uint64([]byte(r.argument[:traceMaskBytes])))
	}
	if m, ok := r.source.(TraceMasker); ok {
		m.SetTraceMask(mask)
	}
	r.number(mask)
}
