package oracle_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kafkacoord/compat/oracle"
	"kafkacoord/integration/backend"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/server"
)

const (
	// seedsVariable is how many sequences are run, half of them on each
	// configuration.
	seedsVariable = "ORACLE_SEEDS"
	// firstVariable is the first seed: with ORACLE_SEEDS=1 one seed is repeated.
	firstVariable = "ORACLE_FIRST"
	seedsDefault  = 200
	// operationsLeast is what a run of at least seedsDefault sequences must reach.
	operationsLeast = seedsDefault * 1000
	// operationsPerSeed is more than 1000: about a seventh of a sequence is for
	// connections that the servers have closed by then, and goes to nobody.
	operationsPerSeed = 1250
)

// configurations are the server settings that change what clients see. What
// both have in common is what a sequence needs: see oracle.Run.
var configurations = []struct {
	name          string
	lines         []string
	quotaEnforced bool
}{
	{"TTL nodes", []string{"extendedTypesEnabled=true"}, false},
	{"enforced quotas", []string{"extendedTypesEnabled=false", "enforceQuota=true"}, true},
}

// TestDifferential compares Java ZooKeeper with coord, or with BACKEND=java
// with another Java ZooKeeper, which shows that the comparison itself is fair.
func TestDifferential(t *testing.T) {
	seeds, first := number(t, seedsVariable, seedsDefault), number(t, firstVariable, 1)
	var total oracle.Report
	for i, c := range configurations {
		share := seeds / len(configurations)
		if i == 0 {
			share = seeds - share*(len(configurations)-1)
		}
		if share == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			a, b := startPair(t, c.lines)
			report, err := oracle.Run(t.Context(), a.Connect(), b.Connect(), oracle.Options{
				Seeds: share, FirstSeed: uint64(first + i*seeds), Operations: operationsPerSeed, QuotaEnforced: c.quotaEnforced,
				Names: [2]string{a.Name(), b.Name()}, Logf: t.Logf,
			})
			total.Add(report)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Found) > 0 {
				t.Errorf("%d differences that are not listed", len(report.Found))
			}
		})
	}
	t.Logf("A is Java ZooKeeper %s, B the server under test\n%s", javazk.Newest, total.String())
	writeResult(t, &total)
	if t.Failed() {
		return // it ended early
	}
	if total.Seeds != seeds {
		t.Errorf("%d seeds were run, want %d", total.Seeds, seeds)
	}
	if seeds >= seedsDefault && total.Operations < operationsLeast {
		t.Errorf("%d operations were run, want at least %d", total.Operations, operationsLeast)
	}
}

// reportVariable names a file that the last line of the report is written to:
// go test shows nothing of a package that passes.
const reportVariable = "ORACLE_REPORT"

func writeResult(t *testing.T, r *oracle.Report) {
	path := os.Getenv(reportVariable)
	if path == "" {
		return
	}
	lines := strings.Split(strings.TrimSpace(r.String()), "\n")
	if err := os.WriteFile(path, []byte(lines[len(lines)-1]+"\n"), 0o644); err != nil {
		t.Error(err)
	}
}

func number(t *testing.T, variable string, otherwise int) int {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q, want a number from 1", variable, text)
	}
	return n
}

// startPair starts the two servers with equal settings.
func startPair(t *testing.T, lines []string) (java, other *server.Server) {
	t.Helper()
	dir := t.TempDir()
	config := append([]string{
		"tickTime=500", "minSessionTimeout=1000", "maxSessionTimeout=600000", "forceSync=no",
		"DigestAuthenticationProvider.superDigest=" + oracle.SuperDigest(),
		// Java takes this one as a JVM flag only.
		"znode.container.checkIntervalMs=86400000",
	}, lines...)
	logging := filepath.Join(dir, "log4j.properties")
	if err := os.WriteFile(logging, []byte("log4j.rootLogger=OFF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The sequences make Java log a stack trace for each bad request.
	flags := []string{"-Xmx512m", "-Dznode.container.checkIntervalMs=86400000", "-Dlog4j.configuration=file:" + logging}
	java = javazk.StartTest(t, javazk.Options{DataDir: filepath.Join(dir, "java"), Config: config, Flags: flags})
	if os.Getenv(backend.Variable) == "java" {
		return java, javazk.StartTest(t, javazk.Options{DataDir: filepath.Join(dir, "java2"), Config: config, Flags: flags})
	}
	return java, backend.StartTest(t, backend.Options{DataDir: filepath.Join(dir, "coord"), Config: config})
}
