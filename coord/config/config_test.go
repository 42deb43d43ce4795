package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string, properties ...Property) (*Config, []Warning) {
	t.Helper()
	c, warnings, err := Parse(strings.NewReader(text), "zoo.cfg", properties...)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return c, warnings
}

func TestReadProperties(t *testing.T) {
	text := "# comment \\\n! other\n" +
		"a=1\n" +
		"  b : 2  \n" +
		"c 3\r\n" +
		"d\\ e = four \\\n     five\n" +
		"path=C:\\\\zk\\tdata\n" +
		"u=\\u00e4\\uD83D\\uDE00\n" +
		"latin=\xe4\n" +
		"empty\n" +
		"a=9\n" +
		"k\\=x==y\n" +
		"last=end\\"
	list, err := ReadProperties(strings.NewReader(text), "f")
	if err != nil {
		t.Fatal(err)
	}
	want := []Property{
		{"a", "9", 12, "f:12"},
		{"b", "2", 4, "f:4"},
		{"c", "3", 5, "f:5"},
		{"d e", "four five", 6, "f:6"},
		{"path", "C:\\zk\tdata", 8, "f:8"},
		{"u", "ä😀", 9, "f:9"},
		{"latin", "ä", 10, "f:10"},
		{"empty", "", 11, "f:11"},
		{"k=x", "=y", 13, "f:13"},
		{"last", "end", 14, "f:14"},
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("got  %v\nwant %v", list, want)
	}
	if _, err := ReadProperties(strings.NewReader("x=1\ny=\\u12"), "f"); err == nil || !strings.Contains(err.Error(), "f:2: Malformed") {
		t.Errorf("malformed escape: %v", err)
	}
}

func TestStandaloneOfKafka(t *testing.T) {
	c, warnings := parse(t, "dataDir=/tmp/zookeeper\nclientPort=2181\nmaxClientCnxns=0\nadmin.enableServer=false\n")
	if len(warnings) != 0 {
		t.Errorf("warnings for Kafka's sample file: %v", warnings)
	}
	want := defaults()
	want.File, want.DataDir, want.DataLogDir, want.ClientPort = "zoo.cfg", "/tmp/zookeeper", "/tmp/zookeeper", 2181
	want.MaxClientConnections, want.Admin.Enabled = 0, false
	want.properties = c.properties
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

// defaults is the configuration of an empty file.
func defaults() *Config {
	b := builder{config: newConfig("")}
	b.apply()
	b.derive()
	return b.config
}

func TestDefaults(t *testing.T) {
	c := defaults()
	for _, check := range []struct {
		name      string
		got, want any
	}{
		{"TickTime", c.TickTime, 3 * time.Second},
		{"MinSessionTimeout", c.MinSessionTimeout, 6 * time.Second},
		{"MaxSessionTimeout", c.MaxSessionTimeout, time.Minute},
		{"MaxClientConnections", c.MaxClientConnections, 60},
		{"ListenBacklog", c.ListenBacklog, -1},
		{"SnapCount", c.SnapCount, 100000},
		{"SnapSizeLimit", c.SnapSizeLimit, int64(4 << 30)},
		{"PreAllocSize", c.PreAllocSize, int64(64 << 20)},
		{"TxnLogSizeLimit", c.TxnLogSizeLimit, int64(-1024)},
		{"ForceSync", c.ForceSync, true},
		{"FsyncWarning", c.FsyncWarning, time.Second},
		{"MaxBatchSize", c.MaxBatchSize, 1000},
		{"Container", c.Container, Container{time.Minute, 10000, 0}},
		{"MaxBuffer", c.MaxBuffer, 0xfffff},
		{"MaxBufferExtra", c.MaxBufferExtra, 0xfffff},
		{"LargeRequest", c.LargeRequest, LargeRequest{104857600, -1}},
		{"SessionlessTimeout", c.SessionlessTimeout, 10 * time.Second},
		{"RequestThrottle", c.RequestThrottle, RequestThrottle{0, 100 * time.Millisecond, true, false, true}},
		{"ConnectionThrottle", c.ConnectionThrottle, ConnectionThrottle{0, millis, 1, -millis, 0.02, 0.002, 0, false, 3, 1, 2}},
		{"FourLetterWhitelist", c.FourLetterWhitelist, []string{"srvr"}},
		{"Digest", c.Digest, Digest{true, "", "SHA1"}},
		{"AutoPurge", c.AutoPurge, AutoPurge{time.Hour, 3}},
		{"Metrics", c.Metrics, Metrics{false, "0.0.0.0", 7000, true}},
		{"JVMPause", c.JVMPause, JVMPause{false, time.Second, 10 * time.Second, 500 * time.Millisecond}},
		{"Admin", c.Admin, Admin{true, "0.0.0.0", 8080, "/commands", 30 * time.Second}},
	} {
		if !reflect.DeepEqual(check.got, check.want) {
			t.Errorf("%s = %v, want %v", check.name, check.got, check.want)
		}
	}
	if c, _ := parse(t, "dataDir=/d\ncompat.defaults=zookeeper\n"); c.AutoPurge.Interval != 0 || !c.ZooKeeperDefaults {
		t.Errorf("compat.defaults=zookeeper leaves the purge interval at %v", c.AutoPurge.Interval)
	}
}

// TestDefaultDifferences keeps the exported table and the key table the same.
func TestDefaultDifferences(t *testing.T) {
	want := make(map[string]string)
	for _, k := range keys.list {
		if k.ours != "" {
			want[k.name] = k.fallback + " → " + k.ours
		}
	}
	got := make(map[string]string)
	for _, d := range DefaultDifferences {
		got[d.Key] = d.ZooKeeper + " → " + d.Ours
		if d.Reason == "" {
			t.Errorf("%s has no reason", d.Key)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("DefaultDifferences %v, key table %v", got, want)
	}
}

func TestErrors(t *testing.T) {
	const base = "dataDir=/d\n"
	for text, want := range map[string]string{
		"clientPort=1":                                                     "dataDir is not set",
		base + "tickTime=0":                                                "zoo.cfg:2: tickTime: tickTime is not set",
		base + "tickTime=-5":                                               "must be above 0",
		base + "tickTime=2s":                                               `Error processing zoo.cfg: For input string: "2s"`,
		base + "clientPort=":                                               "For input string",
		base + "clientPort=70000":                                          "port out of range",
		base + "localSessionsEnabled=1":                                    "Invalid option '1' for 'localSessionsEnabled'. Choose 'true' or 'false.'",
		base + "minSessionTimeout=90000":                                   "minSessionTimeout must not be larger than maxSessionTimeout",
		base + "clientPortAddress=::1":                                     "clientPortAddress is set but clientPort is not set",
		base + "secureClientPortAddress=x":                                 "secureClientPortAddress is set but secureClientPort is not set",
		base + "electionAlg=1":                                             "Invalid electionAlg value. Only 3 is supported.",
		base + "peerType=spectator":                                        "Unrecognised peertype: spectator",
		base + "metricsProvider.className=com.acme.M":                      "metrics provider class was not found",
		base + "autopurge.purgeInterval=1x":                                "autopurge.purgeInterval",
		base + "enforce.auth.enabled=true":                                 "enforce.auth.schemes is not set",
		base + "oraclePath=/o":                                             "does not start with oraclePath",
		base + "controllerPort=1":                                          "does not start with controllerPort",
		base + "emulate353TTLNodes=true":                                   "TTL",
		base + "authProvider.1=com.acme.Auth":                              "cannot load",
		base + "serverCnxnFactory=com.acme.F":                              "not built into",
		base + "audit.impl.class=com.acme.A":                               "not built into",
		base + "sessionRequireClientSASLAuth=true":                         "SASL",
		base + "server.1=h:1:2:king":                                       "Unrecognised peertype: king",
		base + "server.1=h:2888":                                           "does not have the form server_config or server_config;client_config",
		base + "server.1=h:2888:2888":                                      "Client and election port must be different! Please update the configuration file on server.1",
		base + "server.x=h:1:2":                                            "not a number",
		base + "server.1=h:1:2:observer":                                   "Observers w/o participants is an invalid configuration",
		base + "server.1=h:1:2\nserver.2=i:1:2\nsyncLimit=1":               "zoo.cfg:2: initLimit: initLimit is not set; with several servers",
		base + "server.0=h:1:2\nserver.2=i:1:2\ninitLimit=1\nsyncLimit=1":  "zoo.cfg:2: server.0: the number of a server of an ensemble must be 1 or more",
		base + "server.2=h:1:2\nserver.-1=i:1:2\ninitLimit=1\nsyncLimit=1": "zoo.cfg:3: server.-1: the number of a server",
		base + "server.1=h:1:2\nserver.2=i:1:2\ninitLimit=1":               "syncLimit is not set",
		base + "server.1=h:1:2\nstandaloneEnabled=false":                   "initLimit is not set",
		base + "server.1=h:1:2|i:3:4":                                      "Multiple address feature is disabled",
		base + "server.300=h:1:2\nextendedTypesEnabled=true":               "TTL nodes",
		base + "server.1=h:1:2\ndynamicConfigFile=/x":                      "parameter: server.1 must be in a separate dynamic config file",
		base + "server.1=h:1:2\ngroup.1=1:2\ngroup.2=2":                    "Server 2 is in multiple groups",
		base + "server.1=h:1:2\nserver.2=i:1:2\ngroup.1=1":                 "server.2 is in no group",
		base + "DigestAuthenticationProvider.digestAlg=ROT13":              "ROT13",
		base + "compat.defaults=etcd":                                      "no set of defaults",
		base + "tickTime=x\nmaxClientCnxns=y":                              "zoo.cfg:3",
		base + "server.1=h:1:2;[::1:2181":                                  "does not have the form",
		base + "quorumListenOnAllIPs=yes":                                  "Invalid option 'yes'",
		base + "znode.container.checkIntervalMs=0":                         "must be above 0",
		base + "admin.forceHttps=true":                                     "HTTPS",
		base + "authProvider.1=" + saslProvider:                            "authProvider.1: SASL is not served by this version",
		base + "authProvider.x509=" + x509Provider:                         "authProvider.x509: TLS, and with it",
		base + "enforce.auth.enabled=true\nenforce.auth.schemes=sasl":      "sasl is not available",
		base + "enforce.auth.enabled=true\nenforce.auth.schemes=ip,x509":   "x509 is not available",
		base + "enforce.auth.enabled=true\nenforce.auth.schemes=nis":       "not available",
	} {
		_, _, err := Parse(strings.NewReader(text), "zoo.cfg")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
			continue
		}
		if code := ExitCode(err); code != ExitInvalidInvocation {
			t.Errorf("%q: exit code %d", text, code)
		}
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "none.cfg")); ExitCode(err) != 2 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if ExitCode(nil) != 0 || ExitCode(errors.New("x")) != 1 {
		t.Error("ExitCode of nil or a foreign error")
	}
}

func TestWarnings(t *testing.T) {
	const base = "dataDir=/d\n"
	for text, want := range map[string]string{
		base + "snapCounts=5":                                               "zoo.cfg:2: unknown key snapCounts has no effect; did you mean snapCount?",
		base + "clientport=5":                                               "did you mean clientPort?",
		base + "completelyOwnThing=5":                                       "zoo.cfg:2: unknown key completelyOwnThing has no effect",
		base + "zookeeper.snapCount=5":                                      "did you mean snapCount?",
		base + "zookeeper.snapCoutn=5":                                      "did you mean snapCount?",
		base + "messageTracker.Enabled=true":                                "option messageTracker.Enabled has no effect in this server",
		base + "pathStats.enabled=true":                                     "option pathStats.enabled has no effect in this server: paths are not sampled",
		base + "connectionMaxTokens=5":                                      "connectionMaxTokens is read as connection_throttle_tokens",
		base + "requestThrottleLimit=5":                                     "option requestThrottleLimit has no effect in this version",
		base + "autopurge.snapRetainCount=1":                                "Invalid autopurge.snapRetainCount: 1. Defaulting to 3",
		base + "snapCount=abc":                                              "'abc' is not a number; the default 100000 is used",
		base + "snapCount=1":                                                "below the minimum, 2 is used",
		base + "forceSync=no":                                               "acknowledged writes may be lost",
		base + "skipACL=yes":                                                "no access control list is checked",
		base + "secureClientPort=2182":                                      "option secureClientPort has no effect in this version",
		base + "ssl.keyStore.location=/k\nssl.clientAuth=need":              "option ssl.keyStore.location has no effect in this version: TLS is not served by this version; clients connect in the clear",
		base + "java.security.auth.login.config=/jaas.conf":                 "SASL is not served by this version; clients connect without it, in the clear",
		"dataDir=data":                                                      "data is relative. Prepend ./ to indicate that you're sure!",
		base + "forceSync=":                                                 "forceSync has no value; the default yes is used",
		base + "extendedTypesEnabled=yes":                                   "neither true nor false and counts as false",
		base + "snapshot.compression.method=zstd":                           "'zstd' is no compression method",
		base + "initLimit=5\nsyncLimit=2\nserver.1=a:1:2\nserver.256=b:1:2": "zoo.cfg:5: server.256: sessions carry only the last byte of this number",
	} {
		_, warnings := parse(t, text)
		if len(warnings) != 1 || !strings.Contains(warnings[0].String(), want) {
			t.Errorf("%q: warnings %q, want one with %q", text, warnings, want)
		}
	}
	for _, text := range []string{
		"jaasLoginRenew=3600000", "initLimit=5\nsyncLimit=2", "maxResponseCacheSize=5", "jute.maxbuffer=4194304", "fsync.warningthresholdms=20",
		"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory", "admin.enableServer=false",
		"server.1=localhost:2888:3888", "quorum.cnxn.threads.size=20", "tcpKeepAlive=true",
		"initLimit=5\nsyncLimit=2\nserver.1=a:1:2\nserver.255=b:1:2",
	} {
		if _, warnings := parse(t, base+text); len(warnings) != 0 {
			t.Errorf("%q: unwanted %q", text, warnings)
		}
	}
}

func TestSystemProperties(t *testing.T) {
	flags, err := ParseFlags("JVMFLAGS", `-Xmx512m -Dzookeeper.snapCount=77 -Djute.maxbuffer=0x1000 '-Dzookeeper.4lw.commands.whitelist=ruok, stat' `+
		`-Dzookeeper.preAllocSize=100 -Dlog4j.x=y -Dzookeeper.clientPort=9 -Dzookeeper.snapCoun=1 --add-opens java.base/java=ALL word -Dcom.sun.management.jmxremote -Dcom.sun.management.jmxremote.port=9`)
	if err != nil {
		t.Fatal(err)
	}
	if len(flags.Warnings) != 2 || !reflect.DeepEqual(flags.Rest, []string{"word"}) {
		t.Errorf("warnings %v, rest %q", flags.Warnings, flags.Rest)
	}
	c, warnings := parse(t, "dataDir=/d\npreAllocSize=64\n", flags.Properties...)
	if c.SnapCount != 77 || c.MaxBuffer != 0x1000 || c.PreAllocSize != 64*1024 || c.ClientPort != 0 {
		t.Errorf("snapCount %d, maxbuffer %d, preAllocSize %d, port %d", c.SnapCount, c.MaxBuffer, c.PreAllocSize, c.ClientPort)
	}
	if !reflect.DeepEqual(c.FourLetterWhitelist, []string{"ruok", "stat"}) {
		t.Errorf("whitelist %q", c.FourLetterWhitelist)
	}
	want := []string{
		"-D (JVMFLAGS): zookeeper.clientPort is read from the configuration file only; write clientPort= there",
		"-D (JVMFLAGS): unknown key zookeeper.snapCoun has no effect; did you mean zookeeper.snapCount?",
		"-D (JVMFLAGS): option com.sun.management.jmxremote has no effect in this server: there is no JMX in this server; use /metrics and the four-letter word mntr",
	}
	if got := fmt.Sprint(warnings); got != "["+strings.Join(want, " ")+"]" {
		t.Errorf("warnings %s", got)
	}
	if _, err := ParseFlags("X", `-Da="b`); err == nil {
		t.Error("an open quote is accepted")
	}
}

func TestSplitWords(t *testing.T) {
	words, err := SplitWords(`a  "b c"d 'e\f' \g\ h "x\"y\z" ""`)
	if want := []string{"a", "b cd", `e\f`, "g h", `x"y\z`, ""}; err != nil || !reflect.DeepEqual(words, want) {
		t.Errorf("%q %v, want %q", words, err, want)
	}
}

func TestServerLines(t *testing.T) {
	c, _ := parse(t, "dataDir=/d\ninitLimit=5\nsyncLimit=2\nmultiAddress.enabled=true\n"+
		"server.2=zk2:2888:3888:OBSERVER;2181\nserver.1=[::1]:1:2|b:3:4;10.0.0.1:2182;2281\nserver.3=c:1:2\n"+
		"group.1=1:3\nweight.1=2\n")
	want := []string{
		"[::1]:1:2|b:3:4:participant;10.0.0.1:2182;0.0.0.0:2281",
		"zk2:2888:3888:observer;0.0.0.0:2181",
		"c:1:2:participant",
	}
	for at := range want {
		if got := c.Quorum.Servers[at].String(); got != want[at] || c.Quorum.Servers[at].ID != int64(at+1) {
			t.Errorf("server %d: %s, want %s", c.Quorum.Servers[at].ID, got, want[at])
		}
	}
	if !c.Quorum.Distributed() || c.Quorum.Weights[1] != 2 || !reflect.DeepEqual(c.Quorum.Groups, []Group{{1, []int64{1, 3}}}) {
		t.Errorf("quorum %+v", c.Quorum)
	}
	c, _ = parse(t, "dataDir=/d\nserver.1=a:1:2;127.0.0.1:2181\n")
	if c.Quorum.Distributed() || c.ClientPort != 2181 || c.ClientPortAddress != "127.0.0.1" {
		t.Errorf("lone server: %d %s", c.ClientPort, c.ClientPortAddress)
	}
}

func TestDynamicFile(t *testing.T) {
	dir := t.TempDir()
	dynamic := filepath.Join(dir, "zoo.cfg.dynamic.1f")
	static := filepath.Join(dir, "zoo.cfg")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(static, "dataDir=/d\ninitLimit=5\nsyncLimit=2\ndynamicConfigFile="+dynamic+"\n")
	write(dynamic, "server.1=a:1:2\nserver.2=b:1:2\n")
	c, _, err := Load(static)
	if err != nil || len(c.Quorum.Servers) != 2 || c.Quorum.Version != 0x1f {
		t.Fatalf("%v %+v", err, c)
	}
	write(dynamic, "server.1=a:1:2\nserver.300=b:1:2\n")
	if _, warnings, err := Load(static); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "server.300: sessions carry") {
		t.Errorf("a large number in the dynamic file: %v, warnings %q", err, warnings)
	}
	write(dynamic, "server.1=a:1:2\ntickTime=3\n")
	if _, _, err := Load(static); err == nil || !strings.Contains(err.Error(), "dynamic.1f:2: tickTime: Unrecognised parameter: tickTime") {
		t.Errorf("foreign key in the dynamic file: %v", err)
	}
}

func TestTypedValues(t *testing.T) {
	c, _ := parse(t, "dataDir=/a\ndataLogDir=/b\nflushDelay=30\nautopurge.purgeInterval=90m\nsnapshot.compression.method=gz\n"+
		"metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\nmetricsProvider.httpPort=7070\n"+
		"readonlymode.enabled=true\ntickTime=2000\nthrottledOpWaitTime=5\njute.maxbuffer=100\n"+
		"enforce.auth.enabled=true\nenforce.auth.schemes=digest, ip\nfsync.warningthresholdms=0x10\n")
	if c.DataLogDir != "/b" || c.MaxWriteQueuePollTime != 10*millis || c.AutoPurge.Interval != 90*time.Minute ||
		c.SnapshotCompression != CompressionGzip || c.Metrics != (Metrics{true, "0.0.0.0", 7070, true}) || !c.ReadOnlyMode ||
		c.MaxSessionTimeout != 40*time.Second || c.ThrottledOpWait != 5*millis || c.MaxBufferExtra != 1024 ||
		!reflect.DeepEqual(c.EnforceAuth, EnforceAuth{true, []string{"digest", "ip"}}) || c.FsyncWarning != 16*millis {
		t.Errorf("%+v", c)
	}
	c, _ = parse(t, "dataDir=/a\ncoord.metrics.httpPort=9000\ncoord.metrics.httpHost=127.0.0.1\ncoord.listen.randomClientPort=true\n")
	if c.Metrics != (Metrics{true, "127.0.0.1", 9000, true}) || !c.Listen.RandomClientPort {
		t.Errorf("own keys: %+v %+v", c.Metrics, c.Listen)
	}
}

func TestArguments(t *testing.T) {
	c, _, err := LoadArguments([]string{"2181", "/data", "1000", "7"})
	if err != nil || c.ClientPort != 2181 || c.DataDir != "/data" || c.TickTime != time.Second || c.MaxClientConnections != 7 {
		t.Errorf("%v %+v", err, c)
	}
	if _, _, err := LoadArguments(nil); ExitCode(err) != 2 || !strings.Contains(err.Error(), "Usage:") {
		t.Errorf("no arguments: %v", err)
	}
	if _, _, err := LoadArguments([]string{"x", "/data"}); err == nil || !strings.Contains(err.Error(), "clientPort: argument 1: Error processing") {
		t.Errorf("bad port: %v", err)
	}
}

func TestProperty(t *testing.T) {
	c, _ := parse(t, "dataDir=/a\nmyOwn=1\nconnectionMaxTokens=4\n", Property{Key: "zookeeper.snapCount", Value: "5", Origin: "-D (argv)"})
	for key, want := range map[string]string{"dataDir": "/a", "myOwn": "1", "connection_throttle_tokens": "4", "snapCount": "5"} {
		if value, ok := c.Property(key); value != want || !ok {
			t.Errorf("%s: %q, set %t; want %q", key, value, ok, want)
		}
	}
	if value, ok := c.Property("tickTime"); ok {
		t.Errorf("tickTime counts as set to %q", value)
	}
}

// TestKeysAreUnique: a spelling must lead to one key.
func TestKeysAreUnique(t *testing.T) {
	seen := make(map[string]string)
	for _, k := range keys.list {
		for _, name := range append([]string{k.name}, k.aliases...) {
			if former, twice := seen[name]; twice {
				t.Errorf("%s stands for %s and %s", name, former, k.name)
			}
			seen[name] = k.name
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("dataDir=/d\nserver.1=[::1]:1:2|b:3:4:observer;1.2.3.4:5;6\ngroup.1=1:2\nweight.1=3\n")
	f.Add("a\\\n\\u0041=\\")
	f.Add("dataDir=/d\nautopurge.purgeInterval=99999d\nsnapSizeLimitInKb=9223372036854775807")
	f.Fuzz(func(t *testing.T, text string) {
		c, _, err := Parse(strings.NewReader(text), "f")
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v with error %v", c, err)
		}
		if err != nil {
			return
		}
		for _, s := range c.Quorum.Servers {
			again, err := ParseServer(s.ID, s.String())
			if err != nil || !reflect.DeepEqual(again, s) {
				t.Fatalf("%+v is written as %s and read as %+v, %v", s, &s, again, err)
			}
		}
	})
}
