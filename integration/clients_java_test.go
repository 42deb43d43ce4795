package integration_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kafkacoord/integration/javazk"
	"kafkacoord/integration/jvm"
	"kafkacoord/integration/server"
)

// curatorJars are Curator 5, which is developed, and Curator 2, which many
// programs never left, each with a ZooKeeper client of its time.
var curatorJars = map[string]jvm.JarSet{
	"5.9.0": {
		Name: "curator-5.9.0",
		Artifacts: []string{
			"org.apache.curator:curator-recipes:5.9.0", "org.apache.zookeeper:zookeeper:3.9.4", "org.slf4j:slf4j-reload4j:2.0.13",
		},
		Exclusions: []string{"ch.qos.logback:logback-classic", "ch.qos.logback:logback-core"},
	},
	"2.12.0": {
		Name: "curator-2.12.0",
		Artifacts: []string{
			"org.apache.curator:curator-recipes:2.12.0", "org.apache.zookeeper:zookeeper:3.4.14",
		},
	},
}

// TestJavaClients runs ZooKeeper's own clients, old and new, and Curator.
func TestJavaClients(t *testing.T) {
	j := startJavaClients(t)
	for _, version := range javazk.Versions() {
		t.Run("ZooKeeper "+version, func(t *testing.T) {
			jars, err := javazk.Jars(version)
			if err != nil {
				t.Fatal(err)
			}
			j.run(t, j.old, jars, "ZooKeeperSmoke", "/smoke-"+version)
		})
	}
	t.Run("ZooKeeper's newer operations", func(t *testing.T) { j.run(t, j.newest, curatorJars["5.9.0"], "ZooKeeperNewest") })
	t.Run("Curator 2.12.0", func(t *testing.T) { j.run(t, j.old, curatorJars["2.12.0"], "CuratorRecipes", "curator2") })
	t.Run("Curator 5.9.0", func(t *testing.T) { j.run(t, j.newest, curatorJars["5.9.0"], "CuratorRecipes", "curator5") })
	t.Run("Curator 5.9.0's newer recipes", func(t *testing.T) { j.run(t, j.newest, curatorJars["5.9.0"], "CuratorNewest") })
}

// javaClients are the compiled programs: those of the oldest clients run with
// all newer ones, as the programs of users do.
type javaClients struct {
	server      *server.Server
	java        string
	old, newest string // directories of classes
}

func startJavaClients(t *testing.T) *javaClients {
	t.Helper()
	java, err := jvm.Java(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j := &javaClients{java: java, old: filepath.Join(t.TempDir(), "old"), newest: filepath.Join(t.TempDir(), "newest")}
	j.compile(t, j.old, curatorJars["2.12.0"], "Shown", "ZooKeeperSmoke", "CuratorRecipes")
	j.compile(t, j.newest, curatorJars["5.9.0"], "Shown", "ZooKeeperNewest", "CuratorRecipes", "CuratorNewest")
	j.server = startForClients(t)
	return j
}

func (j *javaClients) classpath(t *testing.T, jars jvm.JarSet) string {
	t.Helper()
	path, err := jars.Classpath(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (j *javaClients) compile(t *testing.T, into string, jars jvm.JarSet, classes ...string) {
	t.Helper()
	arguments := []string{
		"-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto", "-encoding", "UTF-8", "-nowarn", "-Xlint:-deprecation", "-proc:none",
		"-cp", j.classpath(t, jars), "-d", into,
	}
	for _, class := range classes {
		arguments = append(arguments, filepath.Join(clientSources, class+".java"))
	}
	command := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(j.java), "javac"), arguments...)
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("compile %s: %v\n%s", strings.Join(classes, ", "), err, said)
	}
}

// run runs one of the programs with the given jars.
func (j *javaClients) run(t *testing.T, classes string, jars jvm.JarSet, program string, arguments ...string) {
	t.Helper()
	flags := []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"}
	if slices.Contains(jars.Artifacts, "org.apache.zookeeper:zookeeper:3.4.14") {
		flags = append(flags, "-Djdk.net.hosts.file="+hostsForOldClients(t), "-Dzookeeper.sasl.client=false")
	}
	clientProgram{
		name: program + " with " + jars.Name, path: j.java,
		args: slices.Concat(flags, []string{
			"-cp", classes + string(filepath.ListSeparator) + j.classpath(t, jars), program,
		}, arguments),
		expected: program + ".txt",
	}.run(t, j.server)
}

// hostsForOldClients makes a file of host names with which 3.4.14 runs on Java
// 14 and later: it takes the host name from an address's text, in which these
// put a mark (ZOOKEEPER-3779).
func hostsForOldClients(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("127.0.0.1 127.0.0.1/<unresolved> localhost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
