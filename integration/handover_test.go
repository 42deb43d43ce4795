package integration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/backend"
	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/server"
	"kafkacoord/integration/treedump"
)

// handoverSessionTimeout outlives every hand-over on a starved machine.
const handoverSessionTimeout = 10 * time.Minute

// handoverSuper reads and writes past every access control list.
const handoverSuper = "super:hand-over"

// newestRecords says which Java versions write and read what older ones do
// not: digests of the tree, and a create2 inside a multi.
var newestRecords = map[string]bool{"3.9.4": true, "3.8.4": true}

// TestHandOver gives one data directory from Java ZooKeeper to coord and back,
// with the newest version twice: after each start every znode with all its
// fields, the digest of the tree and the sessions have to be what the server
// before left behind, kill -9 or not. With BACKEND=java the server in the
// middle is Java ZooKeeper too.
func TestHandOver(t *testing.T) {
	for _, version := range []string{"3.9.4", "3.8.4", "3.5.10"} {
		t.Run(version, func(t *testing.T) {
			h := newHandover(t, version)
			h.start("Java " + version)
			h.client = h.dial(nil)
			h.fill()
			h.handOver((*server.Server).Kill, "middle")
			h.change()
			if version == javazk.Newest {
				h.handOver((*server.Server).Kill, "middle")
				h.change()
				h.handOver((*server.Server).Stop, "Java "+version)
				h.change()
				h.handOver((*server.Server).Stop, "middle")
			}
			h.endSessions()
			h.handOver((*server.Server).Stop, "Java "+version)
			h.change()
			h.endChecks()
		})
	}
}

// handover is one data directory on its way, with the sessions that live in it.
type handover struct {
	t       *testing.T
	version string
	dataDir string
	round   int

	server *server.Server
	name   string
	// client is the session that writes and dumps. It stays the same session
	// over all servers, so that a dump adds no transaction.
	client *client.Client
	// idle are further sessions, each with one ephemeral znode and no
	// connection.
	idle []idleSession
	// numbered counts the sequential znodes made below /sequence.
	numbered int
	// digests holds what every server's log says of the tree after a
	// transaction.
	digests map[wire.Zxid]uint64
	// started is the last transaction before the running server's first.
	started wire.Zxid
	// said is the answer to hash of the running server before it ended.
	said map[wire.Zxid]uint64
}

type idleSession struct {
	client.Session
	ephemeral string
}

func newHandover(t *testing.T, version string) *handover {
	return &handover{
		t: t, version: version,
		dataDir: filepath.Join(t.TempDir(), "data"),
		digests: make(map[wire.Zxid]uint64),
	}
}

// start starts a server on the directory: "middle", or "Java " and a version.
func (h *handover) start(name string) {
	h.t.Helper()
	super, err := auth.DigestID(handoverSuper, "")
	if err != nil {
		h.t.Fatal(err)
	}
	config := []string{
		"autopurge.purgeInterval=0", "maxSessionTimeout=" + strconv.FormatInt(handoverSessionTimeout.Milliseconds(), 10),
		"extendedTypesEnabled=true",
		// Several snapshots, the last one well before the end of the log.
		"snapCount=600",
		"DigestAuthenticationProvider.superDigest=" + super,
		// Java takes this one as a JVM flag only.
		"znode.container.checkIntervalMs=500",
	}
	version, isJava := strings.CutPrefix(name, "Java ")
	if !isJava && os.Getenv(backend.Variable) == "java" {
		version, isJava = javazk.Newest, true
	}
	if !isJava {
		h.server = coordproc.StartTest(h.t, coordproc.Options{DataDir: h.dataDir, Config: config})
		h.name = h.server.Name()
		return
	}
	h.server = javazk.StartTest(h.t, javazk.Options{
		Version: version, DataDir: h.dataDir, Config: config,
		// Java digests a path in the encoding of its locale, which before
		// JDK 18 is not always UTF-8.
		Flags: []string{
			"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8",
			"-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=500",
		},
	})
	h.name = h.server.Name()
}

// dial opens a session or takes one over.
func (h *handover) dial(resume *client.Session) *client.Client {
	h.t.Helper()
	c, err := client.Dial(h.t.Context(), h.config(resume))
	if err != nil {
		h.t.Fatalf("%s: connect with session %v: %v", h.name, resume, err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	if resume != nil && c.Session().ID != resume.ID {
		h.t.Fatalf("%s: resumed session %v as %v", h.name, resume.ID, c.Session().ID)
	}
	return c
}

func (h *handover) config(resume *client.Session) client.Config {
	return client.Config{
		Servers: []string{h.server.Connect()}, SessionTimeout: handoverSessionTimeout, Resume: resume,
		Auth: []client.Auth{
			{Scheme: "digest", Data: []byte(handoverSuper)},
			{Scheme: "digest", Data: []byte("writer:secret")},
		},
	}
}

// handOver ends the server, checks its files, starts the next one on them and
// compares what that serves with what was served before.
func (h *handover) handOver(end func(*server.Server) error, next string) {
	h.t.Helper()
	from := h.name
	before := h.dump()
	h.said = h.hashes()
	session := h.client.Detach()
	if err := end(h.server); err != nil {
		h.t.Fatal(err)
	}
	files := h.readFiles()
	h.started = files.zxid
	h.start(next)
	h.refuseWrongPassword(session)
	h.client = h.dial(&session)
	for i, idle := range h.idle {
		h.idle[i].Session = h.dial(&idle.Session).Detach()
	}
	after := h.dump()
	if differences := before.Differences(after); len(differences) > 0 {
		h.t.Fatalf("%d differences between what %s and %s serve:\n%s",
			len(differences), from, h.name, strings.Join(differences[:min(len(differences), 20)], "\n"))
	}
	h.checkCounts(after)
	h.checkStartSnapshot(files)
	h.t.Logf("%s -> %s: %d znodes equal (%s), %d sessions resumed, zxid %v, digest %x; %s",
		from, h.name, len(after), files.kinds, 1+len(h.idle), files.zxid, files.digest, files)
}

// refuseWrongPassword tries to take the session over with another password.
func (h *handover) refuseWrongPassword(session client.Session) {
	h.t.Helper()
	session.Password = slices.Clone(session.Password)
	session.Password[3] ^= 1
	stranger, err := client.Dial(h.t.Context(), h.config(&session))
	if err == nil {
		stranger.Detach()
		h.t.Fatalf("%s gave session %v away for a wrong password", h.name, session.ID)
	}
}

// endSessions closes the idle sessions, whose ephemerals must go with them.
func (h *handover) endSessions() {
	h.t.Helper()
	for _, idle := range h.idle {
		if _, found, err := h.client.Exists(h.t.Context(), idle.ephemeral, false); err != nil || !found {
			h.t.Fatalf("%s: %s of session %v: found %v, %v", h.name, idle.ephemeral, idle.ID, found, err)
		}
		if err := h.dial(&idle.Session).Close(); err != nil {
			h.t.Fatal(err)
		}
		if _, found, err := h.client.Exists(h.t.Context(), idle.ephemeral, false); err != nil || found {
			h.t.Fatalf("%s: %s outlives its session %v: %v", h.name, idle.ephemeral, idle.ID, err)
		}
	}
	h.t.Logf("%s: %d sessions of other servers closed with their ephemerals", h.name, len(h.idle))
	h.idle = nil
}

// endChecks ends the last server and checks its files.
func (h *handover) endChecks() {
	h.t.Helper()
	h.said = h.hashes()
	if err := h.client.Close(); err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Stop(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Logf("%s at the end: %s", h.name, h.readFiles())
}

// checkCounts compares the server's own counts with a dump.
func (h *handover) checkCounts(d treedump.Dump) {
	h.t.Helper()
	values := h.monitor()
	ephemerals := 0
	for _, z := range d {
		if z.Stat.EphemeralOwner != 0 {
			ephemerals++
		}
	}
	// ZooKeeper counts the root twice: as "" and as "/".
	if got := values["zk_znode_count"]; got != strconv.Itoa(len(d)+1) {
		h.t.Errorf("%s: zk_znode_count %s, the dump has %d", h.name, got, len(d))
	}
	if got := values["zk_ephemerals_count"]; got != strconv.Itoa(ephemerals) {
		h.t.Errorf("%s: zk_ephemerals_count %s, the dump has %d", h.name, got, ephemerals)
	}
	h.checkMismatches(values)
}

// checkMismatches wants no digest that differed. 3.5 has none.
func (h *handover) checkMismatches(values map[string]string) {
	h.t.Helper()
	got, has := values["zk_digest_mismatches_count"]
	if (has && got != "0") || (!has && !h.serves35()) {
		h.t.Errorf("%s: zk_digest_mismatches_count = %q", h.name, got)
	}
}

func (h *handover) serves35() bool { return strings.Contains(h.name, " 3.5.") }

// monitor is the answer to mntr.
func (h *handover) monitor() map[string]string {
	h.t.Helper()
	answer, err := h.server.FourLetterWord("mntr")
	if err != nil {
		h.t.Fatal(err)
	}
	values := make(map[string]string)
	for line := range strings.Lines(answer) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			values[key] = value
		}
	}
	return values
}

// hashes is the answer to hash: the digest after every 128th transaction that
// the running server has applied or replayed. 3.5 has none.
func (h *handover) hashes() map[wire.Zxid]uint64 {
	h.t.Helper()
	if h.serves35() {
		return nil
	}
	answer, err := h.server.FourLetterWord("hash")
	if err != nil {
		h.t.Fatal(err)
	}
	said := make(map[wire.Zxid]uint64)
	for line := range strings.Lines(answer) {
		var zxid uint64
		var digest string
		if _, err := fmt.Sscanf(line, "%x: %s", &zxid, &digest); err != nil {
			h.t.Fatalf("%s: hash says %q: %v", h.name, line, err)
		}
		value, err := strconv.ParseUint(digest, 10, 64)
		if signed, signedErr := strconv.ParseInt(digest, 10, 64); signedErr == nil {
			value, err = uint64(signed), nil
		}
		if err != nil {
			h.t.Fatalf("%s: hash says %q: %v", h.name, line, err)
		}
		said[wire.Zxid(zxid)] = value
	}
	h.checkMismatches(h.monitor())
	return said
}
