package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// notRead are the fields that nothing outside this package reads although no
// warning names their keys.
var notRead = map[string]string{
	"Quorum.StandaloneEnabled":   "Distributed reads it",
	"Quorum.DynamicConfigFile":   "Load reads it",
	"Quorum.ReachabilityCheck":   "all addresses of a server are always tried beside each other",
	"Quorum.ReachabilityTimeout": "all addresses of a server are always tried beside each other",
}

// TestFieldsHaveAnEffect: what an operator may set is read by the server, or
// its key says in a warning that nothing happens.
func TestFieldsHaveAnEffect(t *testing.T) {
	read := readSelectors(t)
	setBy := fieldKeys()
	excused := make(map[string]bool)
	for _, field := range fieldsOf(reflect.TypeFor[Config](), "") {
		if read[field] {
			continue
		}
		if notRead[field] != "" {
			excused[field] = true
			continue
		}
		if len(setBy[field]) == 0 {
			t.Errorf("nothing reads %s, and no key sets it", field)
		}
		for _, k := range setBy[field] {
			if k.verdict != later && k.verdict != ignored {
				t.Errorf("nothing reads %s, but setting %s warns of nothing", field, k.name)
			}
		}
	}
	for name := range notRead {
		if !excused[name] {
			t.Errorf("%s is read, or is gone: strike it from the table", name)
		}
	}
	if !read["DataDir"] || !read["ConnectionThrottle.Tokens"] || read["AuditEnabled"] {
		t.Error("the scan of the sources does not see what is read")
	}
}

// fieldsOf lists the exported fields of a struct, those of its structs as
// "Struct.Field".
func fieldsOf(structure reflect.Type, prefix string) []string {
	var names []string
	for field := range structure.Fields() {
		switch {
		case !field.IsExported():
		case field.Type.Kind() == reflect.Struct:
			names = append(names, fieldsOf(field.Type, prefix+field.Name+".")...)
		default:
			names = append(names, prefix+field.Name)
		}
	}
	return names
}

// fieldKeys tells which keys set a field, by setting each of them.
func fieldKeys() map[string][]*key {
	samples := []string{"7", "0.5", "true", "no", "yes", "gz", "/x", "observer", "zookeeper", "digest", "SHA1", prometheusMetricsProvider}
	fields := fieldsOf(reflect.TypeFor[Config](), "")
	setBy := make(map[string][]*key)
	for _, k := range keys.list {
		if k.set == nil {
			continue
		}
		touched := make(map[string]bool)
		for _, text := range samples {
			c := newConfig("")
			_ = k.set(c, k, text) // a text that does not fit sets nothing
			for _, field := range fields {
				if value := valueOf(c, field); value.Kind() != reflect.Map && !value.IsZero() {
					touched[field] = true
				}
			}
		}
		for field := range touched {
			setBy[field] = append(setBy[field], k)
		}
	}
	return setBy
}

func valueOf(c *Config, field string) reflect.Value {
	value := reflect.ValueOf(c).Elem()
	for name := range strings.SplitSeq(field, ".") {
		value = value.FieldByName(name)
	}
	return value
}

// readSelectors scans the packages of the server that import this one for the
// names of fields. A struct that is handed on as a whole counts its fields as
// read where the same file selects them from whatever variable.
func readSelectors(t *testing.T) map[string]bool {
	t.Helper()
	packages := make(map[string][]*ast.File) // by directory
	importers := make(map[string]bool)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		directory := filepath.Dir(path)
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			directory == filepath.Join("..", "config") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		packages[directory] = append(packages[directory], file)
		for _, imported := range file.Imports {
			if imported.Path.Value == `"kafkacoord/coord/config"` {
				importers[directory] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	read := make(map[string]bool)
	for directory := range importers {
		for _, file := range packages[directory] {
			addSelectors(read, file)
		}
	}
	return read
}

func addSelectors(read map[string]bool, file *ast.File) {
	selected := make(map[string]bool)
	whole := make(map[string]bool)
	inner := make(map[ast.Expr]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		selected[s.Sel.Name] = true
		if of, ok := s.X.(*ast.SelectorExpr); ok {
			inner[of] = true
			read[of.Sel.Name+"."+s.Sel.Name] = true
		}
		if !inner[s] {
			whole[s.Sel.Name] = true
		}
		return true
	})
	for name := range selected {
		read[name] = true
	}
	for field := range reflect.TypeFor[Config]().Fields() {
		if field.Type.Kind() != reflect.Struct || !whole[field.Name] {
			continue
		}
		for _, name := range fieldsOf(field.Type, "") {
			if selected[name] {
				read[field.Name+"."+name] = true
			}
		}
	}
}

// TestNoEffectYet: a setting that asks for something is answered with one
// warning, its default and its off with none.
func TestNoEffectYet(t *testing.T) {
	for _, c := range []struct{ key, asks, off string }{
		{"audit.enable", "true", "false"},
		{"localSessionsEnabled", "true", "FALSE"},
		{"localSessionsUpgradingEnabled", "true", "false"},
		{"clientPortListenBacklog", "50", "-1"},
		{"jvm.pause.monitor", "true", "false"},
		{"jvm.pause.info-threshold.ms", "5", "1000"},
		{"jvm.pause.warn-threshold.ms", "5", "10000"},
		{"jvm.pause.sleep.time.ms", "5", "500"},
		{"request_throttle_max_requests", "20", "0"},
		{"request_throttle_stall_time", "20", "100"},
		{"request_throttle_drop_stale", "false", "true"},
		{"request_stale_latency_check", "true", "false"},
		{"request_stale_connection_check", "false", "true"},
		{"throttled_op_wait_time", "5", "0"},
		{"flushDelay", "5", "0"},
		{"maxWriteQueuePollTime", "5", ""},
		{"maxBatchSize", "5", "1000"},
		{"admin.enableServer", "true", "false"},
		{"admin.serverAddress", "127.0.0.1", "0.0.0.0"},
		{"admin.serverPort", "8081", "8080"},
		{"admin.commandURL", "/c", "/commands"},
		{"admin.idleTimeout", "5", "30000"},
		{"admin.httpVersion", "2", "11"},
		{"admin.rateLimiterIntervalInMS", "5", "300000"},
		{"admin.snapshot.enabled", "true", "false"},
		{"admin.restore.enabled", "true", "false"},
		{"admin.portUnification", "true", "false"},
		{"IPAuthenticationProvider.usexforwardedfor", "true", "false"},
		{"connection_throttle_local_session_weight", "2", "1"},
		{"leaderServes", "no", "yes"},
		{"observerMasterPort", "2191", "0"},
		{"reconfigEnabled", "true", "false"},
		{"portUnification", "true", "false"},
		{"sslQuorumReloadCertFiles", "true", "false"},
		{"syncEnabled", "false", "true"},
		{"observer.syncEnabled", "false", "true"},
		{"leader.maxConcurrentDiffSyncs", "5", "100"},
		{"leader.maxTimeToWaitForEpoch", "5", "-1"},
		{"enableEagerACLCheck", "true", "false"},
		{"fips-mode", "false", "true"},
		{"ssl.keyStore.location", "/k", ""},
		{"ssl.trustStore.location", "/k", ""},
		{"java.security.auth.login.config", "/jaas", ""},
	} {
		_, warnings := parse(t, "dataDir=/d\n"+c.key+"="+c.asks+"\n")
		want := "option " + c.key + " has no effect in this version"
		if len(warnings) != 1 || warnings[0].Kind != WarnNotYet || !strings.Contains(warnings[0].Text, want) {
			t.Errorf("%s=%s: warnings %q", c.key, c.asks, warnings)
		}
		if c.off == "" {
			continue
		}
		if _, warnings := parse(t, "dataDir=/d\n"+c.key+"="+c.off+"\n"); len(warnings) != 0 {
			t.Errorf("%s=%s: warnings %q", c.key, c.off, warnings)
		}
	}
	if c := defaults(); c.MaxBatchSize != 1000 || c.JVMPause.SleepTime != 500*time.Millisecond {
		t.Error("a key without an effect has lost its default")
	}
}
