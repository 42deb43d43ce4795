package fourletter

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"kafkacoord/coord/admin"
	"kafkacoord/coord/metrics"
	"kafkacoord/integration/javazk"
)

// masks turn an answer into its template, in this order.
var masks = []struct {
	pattern *regexp.Regexp
	mask    string
}{
	// Java shows a bucket that has become empty until its time has come.
	{regexp.MustCompile(`(?m)^0 expire at .*\n`), ""},
	{regexp.MustCompile(`3\.9\.4-[0-9a-f]{40}, built on [-0-9: ]+ UTC`), "VERSION"},
	{regexp.MustCompile(`[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d [A-Z]{3,4} \d{4}`), "DATE"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`(?m)^(dataDir|dataLogDir)=/.*/version-2$`), "$1=DIRECTORY"},
	{regexp.MustCompile(`(?m)^((?:java|os|user|host)\.[a-z.]+)=.*$`), "$1=…"},
	{regexp.MustCompile(`0x[0-9a-f]+`), "0xN"},
	{regexp.MustCompile(`-?\d+\.\d+(?:E-?\d+)?`), "F"},
	{regexp.MustCompile(`-?\b\d+\b`), "N"},
}

func template(text string) string {
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.mask)
	}
	return text
}

// source is a server in the state in which the test brings the Java one: one
// client with an ephemeral node and two watches, and the asking connection.
type source struct{ set *metrics.Set }

func (source) ResetServerStats()       {}
func (source) ResetConnectionStats()   {}
func (s source) Metrics() *metrics.Set { return s.set }
func (source) Status(admin.Detail) admin.Status {
	const session = 0x1000000000001
	now := time.Now()
	return admin.Status{
		Serving: true, Mode: admin.ModeStandalone, LatencyAverage: 0.5, Received: 1, Sent: 1, ConnectionCount: 2, Zxid: 3, NodeCount: 7,
		Connections: []admin.ConnectionStatus{
			{
				Remote: "127.0.0.1:1000", InterestOps: 1, Received: 5, Sent: 5, SessionID: session, LastOperation: "EXIS",
				Established: now, Timeout: 30 * time.Second, LastCxid: 4, LastZxid: 3, ExpireAt: now.Add(time.Minute),
			},
			{Remote: "127.0.0.1:1001", Received: 1, ExpireAt: now.Add(time.Second)},
		},
		WatchSummary: admin.WatchSummary{Connections: 1, Paths: 2, Total: 2},
		Watches:      []admin.SessionWatches{{SessionID: session, Paths: []string{"/ephemeral", "/zookeeper"}}},
		Sessions: admin.SessionStatus{
			Expiries:   []admin.SessionExpiry{{SessionID: session, ExpireAt: now.Add(time.Minute)}},
			Ephemerals: []admin.SessionWatches{{SessionID: session, Paths: []string{"/ephemeral"}}},
		},
		Settings: admin.Settings{ClientPort: 1, SecureClientPort: -1, DataDir: "/data", DataLogDir: "/data", ListenBacklog: -1},
	}
}

// withoutOwn drops what we add on purpose: our own version in envi.
func withoutOwn(text string) string {
	return regexp.MustCompile(`(?m)^coord\.version=.*\n`).ReplaceAllString(text, "")
}

func TestTemplatesEqualThoseOfJava(t *testing.T) {
	java := javazk.StartTest(t, javazk.Options{Version: admin.EmulatedRelease, Config: []string{"4lw.commands.whitelist=*"}, Flags: []string{"-Xmx256m"}})
	client, events, err := zk.Connect([]string{java.Connect()}, 30*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	if _, err := client.Create("/ephemeral", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/zookeeper", "/ephemeral"} {
		if _, _, _, err := client.ExistsW(path); err != nil {
			t.Fatal(err)
		}
	}
	set := metrics.NewSet()
	set.SetRole(metrics.RoleStandalone)
	everything := admin.NewWhitelist([]string{"*"}, false)
	for _, word := range everything.Enabled() {
		if word == "stmk" || word == "memb" {
			// The first waits for its argument, the second is our own.
			continue
		}
		wanted, err := java.FourLetterWord(word)
		if err != nil {
			t.Errorf("%s: %v", word, err)
			continue
		}
		want, got := template(wanted), template(withoutOwn(string(admin.Answer(word, source{set}, everything))))
		switch word {
		case "mntr":
			compareMonitor(t, want, got)
		case "stat", "cons", "dump", "wchc", "wchp":
			// Java lists connections and watches in the order of a hash table.
			if want, got := sorted(want), sorted(got); want != got {
				t.Errorf("%s:\n%s\nwant\n%s", word, got, want)
			}
		default:
			if want != got {
				t.Errorf("%s:\n%q\nwant\n%q", word, got, want)
			}
		}
	}
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// compareMonitor compares the head in order and the rest as a set: names, and
// whether the value is a whole number or has a fraction.
func compareMonitor(t *testing.T, want, got string) {
	const head = 2
	wantLines, gotLines := strings.Split(want, "\n"), strings.Split(got, "\n")
	for at := range head {
		if wantLines[at] != gotLines[at] {
			t.Errorf("mntr: line %d is %q, want %q", at+1, gotLines[at], wantLines[at])
		}
	}
	for _, line := range wantLines {
		// Keyed metrics come with the first request under a namespace.
		if !slices.Contains(gotLines, line) && !strings.Contains(line, "_per_namespace") {
			t.Errorf("mntr: no line %q", line)
		}
	}
	for _, line := range gotLines {
		if !slices.Contains(wantLines, line) {
			t.Errorf("mntr: additional line %q", line)
		}
	}
}
