package admin

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/config"
	"kafkacoord/coord/metrics"
)

// source is a server whose status is written down.
type source struct {
	status                    Status
	detail                    Detail
	set                       *metrics.Set
	serverResets, connections int
	mask                      int64
}

func (s *source) Status(detail Detail) Status { s.detail = detail; return s.status }
func (s *source) ResetServerStats()           { s.serverResets++ }
func (s *source) ResetConnectionStats()       { s.connections++ }
func (s *source) Metrics() *metrics.Set       { return s.set }
func (s *source) TraceMask() int64            { return s.mask }
func (s *source) SetTraceMask(mask int64)     { s.mask = mask }

var all = NewWhitelist([]string{"*"}, false)

// example is the server behind the texts of this file.
func example() *source {
	at := time.Date(2026, 11, 22, 17, 39, 1, 0, time.UTC)
	return &source{
		set: metrics.NewSet(), mask: defaultTraceMask,
		status: Status{
			Serving: true, Mode: ModeStandalone,
			LatencyAverage: 0.428571, LatencyMax: 12, Received: 1024, Sent: 1031, ConnectionCount: 2, Zxid: 0x200000031, NodeCount: 142,
			Proposals: ProposalSizes{36, 32, 4120},
			Connections: []ConnectionStatus{
				{
					Remote: "10.0.0.7:46364", InterestOps: 1, Received: 16, Sent: 16, SessionID: 0x300000c7c760000, LastOperation: "GETD",
					Established: time.UnixMilli(1795369111231), Timeout: 18 * time.Second, LastCxid: 0xf, LastZxid: 0x100000006,
					LastResponse: 847658, LastLatency: 1, AverageLatency: 3, MaxLatency: 19, ExpireAt: at.Add(9 * time.Second),
				},
				{Remote: "10.0.0.9:40112", Received: 1, ExpireAt: at.Add(4 * time.Second)},
			},
			WatchSummary: WatchSummary{3, 5, 9},
			Watches: []SessionWatches{
				{0x1000a2b3c4d0002, []string{"/brokers/ids"}},
				{0x1000a2b3c4d0001, []string{"/controller", "/brokers/ids"}},
			},
			Sessions: SessionStatus{
				Expiries: []SessionExpiry{
					{0x1000a2b3c4d0002, at.Add(2 * time.Second), 30 * time.Second},
					{0x1000a2b3c4d0001, at, 30 * time.Second},
				},
				Ephemerals: []SessionWatches{{0x1000a2b3c4d0001, []string{"/brokers/ids/1", "/controller"}}},
			},
			DataDirSize: 478, LogDirSize: 67108880,
			Digests: []DigestStatus{{0x100000080, 7421993}},
			Settings: Settings{
				ClientPort: 2181, SecureClientPort: -1, DataDir: "/data", DataLogDir: "/datalog", TickTime: 2 * time.Second,
				MaxClientConnections: 60, MinSessionTimeout: 4 * time.Second, MaxSessionTimeout: 40 * time.Second, ListenBacklog: -1, ServerID: 1,
			},
		},
	}
}

const numbers = `Latency min/avg/max: 0/0.4286/12
Received: 1024
Sent: 1031
Connections: 2
Outstanding: 0
Zxid: 0x200000031
Mode: standalone
Node count: 142
`

const settings = `clientPort=2181
secureClientPort=-1
dataDir=/data/version-2
dataDirSize=478
dataLogDir=/datalog/version-2
dataLogSize=67108880
tickTime=2000
maxClientCnxns=60
minSessionTimeout=4000
maxSessionTimeout=40000
clientPortListenBacklog=-1
serverId=1
`

func TestAnswers(t *testing.T) {
	version := "Zookeeper version: " + Version() + "\n"
	for name, want := range map[string]string{
		"ruok": "imok",
		"isro": "rw",
		"srvr": version + numbers,
		"stat": version + "Clients:\n /10.0.0.7:46364[1](queued=0,recved=16,sent=16)\n /10.0.0.9:40112[0](queued=0,recved=1,sent=0)\n\n" + numbers,
		"cons": " /10.0.0.7:46364[1](queued=0,recved=16,sent=16,sid=0x300000c7c760000,lop=GETD,est=1795369111231,to=18000,lcxid=0xf," +
			"lzxid=0x100000006,lresp=847658,llat=1,minlat=0,avglat=3,maxlat=19)\n /10.0.0.9:40112[0](queued=0,recved=1,sent=0)\n\n",
		"conf": settings,
		"dirs": "datadir_size: 478\nlogdir_size: 67108880\n",
		"hash": "100000080: 7421993\n",
		"crst": "Connection stats reset.\n",
		"srst": "Server stats reset.\n",
		"gtmk": "306",
		"wchs": "3 connections watching 5 paths\nTotal watches:9\n",
		"wchc": "0x1000a2b3c4d0001\n\t/brokers/ids\n\t/controller\n0x1000a2b3c4d0002\n\t/brokers/ids\n\n",
		"wchp": "/brokers/ids\n\t0x1000a2b3c4d0001\n\t0x1000a2b3c4d0002\n/controller\n\t0x1000a2b3c4d0001\n\n",
		"dump": "SessionTracker dump:\nSession Sets (2)/(2):\n" +
			"1 expire at Sun Nov 22 17:39:01 UTC 2026:\n\t0x1000a2b3c4d0001\n1 expire at Sun Nov 22 17:39:03 UTC 2026:\n\t0x1000a2b3c4d0002\n" +
			"ephemeral nodes dump:\nSessions with Ephemerals (1):\n0x1000a2b3c4d0001:\n\t/brokers/ids/1\n\t/controller\n" +
			"Connections dump:\nConnections Sets (2)/(2):\n" +
			"1 expire at Sun Nov 22 17:39:05 UTC 2026:\n\tip: /10.0.0.9:40112 sessionId: 0x0\n" +
			"1 expire at Sun Nov 22 17:39:10 UTC 2026:\n\tip: /10.0.0.7:46364 sessionId: 0x300000c7c760000\n",
		"stmk\x00\x00\x00\x00\x00\x00\x01\x00": "256",
		"xxxx":                                 "",
		string(telnetInterrupt[:]):             "",
	} {
		if got := string(Answer(name, example(), all)); got != want {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, want)
		}
	}
}

func TestAnswersOfOtherRoles(t *testing.T) {
	s := example()
	s.status.Mode, s.status.PeerState = ModeLeader, "leading - broadcast"
	if got := string(Answer("srvr", s, all)); !strings.HasSuffix(got, "Mode: leader\nNode count: 142\nProposal sizes last/min/max: 36/32/4120\n") {
		t.Errorf("leader: %q", got)
	}
	if got := string(Answer("mntr", s, all)); !strings.HasPrefix(got, "zk_version\t"+Version()+"\nzk_server_state\tleader\nzk_peer_state\tleading - broadcast\n") {
		t.Errorf("leader: %.200q", got)
	}
	s.status.Settings.Quorum = &QuorumSettings{10, 5, 3, 3888, 2888, 0, []string{"server.1=zk1:2888:3888:participant;0.0.0.0:2181", "version=0"}}
	quorum := "initLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=3888\nquorumPort=2888\npeerType=0\n"
	if got := string(Answer("conf", s, all)); got != settings+quorum+"membership: \nserver.1=zk1:2888:3888:participant;0.0.0.0:2181\nversion=0" {
		t.Errorf("conf of a member: %q", got)
	}
	s.status.Mode, s.status.ReadOnly = ModeReadOnly, true
	for name, want := range map[string]string{
		"isro": "ro",
		"srvr": "Zookeeper version: " + Version() + "\nREAD-ONLY mode; serving only read-only clients\nLatency",
		"stat": "Zookeeper version: " + Version() + "\nREAD-ONLY mode; serving only read-only clients\nClients:\n",
		"conf": settings + quorum,
	} {
		if got := string(Answer(name, s, all)); !strings.HasPrefix(got, want) {
			t.Errorf("read-only %s: %q", name, got)
		}
	}
	if got := string(Answer("conf", s, all)); strings.Contains(got, "membership") {
		t.Errorf("a read-only server shows its membership: %q", got)
	}
	s.status.Sessions.Learner = true
	if got := string(Answer("dump", s, all)); !strings.HasPrefix(got, "SessionTracker dump:\nGlobal Sessions(2):\n0x1000a2b3c4d0001\t30000ms\n") {
		t.Errorf("dump of a learner: %q", got)
	}
}

func TestNotServing(t *testing.T) {
	for _, w := range wordTable {
		s := example()
		s.status.Serving = false
		got := string(Answer(w.name, s, all))
		switch w.name {
		case "isro":
			if got != "null" {
				t.Errorf("isro: %q", got)
			}
		case "hash":
			if got != notServing {
				t.Errorf("hash: %q", got)
			}
		case "ruok", "gtmk", "stmk", "envi", "memb":
			if strings.Contains(got, notServing) || got == "" {
				t.Errorf("%s: %q", w.name, got)
			}
		default:
			if got != notServing+"\n" {
				t.Errorf("%s: %q", w.name, got)
			}
		}
		if s.serverResets+s.connections != 0 {
			t.Errorf("%s resets a server that does not serve", w.name)
		}
	}
}

func TestWhitelist(t *testing.T) {
	for _, test := range []struct {
		words    []string
		readOnly bool
		enabled  []string
		unknown  []string
	}{
		{[]string{"srvr"}, false, []string{"srvr"}, nil},
		{nil, true, []string{"isro", "srvr"}, nil},
		{[]string{" ruok ", "abcd", "", "MNTR"}, false, []string{"ruok", "srvr"}, []string{"MNTR", "abcd"}},
	} {
		w := NewWhitelist(test.words, test.readOnly)
		if got := w.Enabled(); !reflect.DeepEqual(got, test.enabled) {
			t.Errorf("%q: enabled %q", test.words, got)
		}
		if got := w.Unknown(); !reflect.DeepEqual(got, test.unknown) {
			t.Errorf("%q: unknown %q", test.words, got)
		}
	}
	if got := all.Enabled(); len(got) != len(wordTable) || !slices.IsSorted(got) {
		t.Errorf("* enables %q", got)
	}
	s := example()
	if got := string(Answer("ruok", s, NewWhitelist(nil, false))); got != "ruok is not executed because it is not in the whitelist.\n" {
		t.Errorf("refusal: %q", got)
	}
	if Answer("srst", s, NewWhitelist(nil, false)); s.serverResets != 0 {
		t.Error("a refused word acts")
	}
}

func TestIsWord(t *testing.T) {
	for _, w := range wordTable {
		if !IsWord([4]byte([]byte(w.name))) {
			t.Errorf("%s is no word", w.name)
		}
	}
	for _, no := range [][4]byte{{0, 0, 0, 45}, {'G', 'E', 'T', ' '}, {0x16, 3, 1, 2}, {'R', 'U', 'O', 'K'}} {
		if IsWord(no) {
			t.Errorf("%q is a word", no)
		}
	}
	if !IsWord(telnetInterrupt) || ArgumentBytes("stmk") != 8 || ArgumentBytes("ruok") != 0 {
		t.Error("telnet interrupt or arguments")
	}
}

func TestResetsAct(t *testing.T) {
	s := example()
	s.set.Counter(metrics.ConnectionRejected).Inc()
	Answer("srst", s, all)
	Answer("crst", s, all)
	Answer("stmk\x00\x00\x00\x00\x00\x00\x00\x07", s, all)
	if s.serverResets != 1 || s.connections != 1 || s.mask != 7 {
		t.Errorf("%+v", s)
	}
	if got := string(Answer("mntr", s, all)); !strings.Contains(got, "zk_connection_rejected\t0\n") {
		t.Error("srst leaves the metrics")
	}
}

func TestMonitor(t *testing.T) {
	s := example()
	s.set.SetRole(metrics.RoleStandalone)
	s.status.EphemeralCount, s.status.Uptime = 3, 1500*time.Millisecond
	s.status.ResponseSizes = ProposalSizes{-1, -1, -1}
	got := string(Answer("mntr", s, all))
	head := "zk_version\t" + Version() + "\nzk_server_state\tstandalone\nzk_ephemerals_count\t3\nzk_num_alive_connections\t2\nzk_avg_latency\t0.4286\n"
	if !strings.HasPrefix(got, head) {
		t.Errorf("%.300q", got)
	}
	for _, line := range []string{"zk_znode_count\t142\n", "zk_uptime\t1500\n", "zk_max_client_response_size\t-1\n", "zk_packets_received\t1024\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("no line %q", line)
		}
	}
	if lines := strings.Count(got, "\n"); lines != 494 {
		t.Errorf("%d lines, a standalone ZooKeeper 3.9.4 prints 494", lines)
	}
	if s.detail != DetailCounts|DetailMember {
		t.Errorf("detail %b", s.detail)
	}
}

func TestEnvironmentKeys(t *testing.T) {
	var keys []string
	for _, match := range regexp.MustCompile(`(?m)^([a-z.]+)=`).FindAllStringSubmatch(string(Answer("envi", example(), all)), -1) {
		keys = append(keys, match[1])
	}
	want := "zookeeper.version coord.version host.name java.version java.vendor java.home java.class.path java.library.path java.io.tmpdir " +
		"java.compiler os.name os.arch os.version user.name user.home user.dir os.memory.free os.memory.max os.memory.total"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("keys %s", got)
	}
}

func TestVersionShape(t *testing.T) {
	if !regexp.MustCompile(`^3\.9\.4-[0-9a-f]{40}, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$`).MatchString(Version()) {
		t.Error(Version())
	}
}

func TestSettingsOf(t *testing.T) {
	c, _, err := config.Parse(strings.NewReader("dataDir=/data\ndataLogDir=/datalog\nclientPort=2181\ntickTime=2000\n"), "zoo.cfg")
	if err != nil {
		t.Fatal(err)
	}
	want := example().status.Settings
	want.ServerID = 0
	if got := SettingsOf(c); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func ExampleAnswer() {
	fmt.Printf("%s\n", Answer("ruok", example(), NewWhitelist([]string{"ruok"}, false)))
	// Output: imok
}
