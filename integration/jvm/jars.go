package jvm

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// copyGoal is pinned, so that a machine's own Maven version does not
	// decide what is copied.
	copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
	// downloadTries bounds how often Maven is called for one set: a broken
	// transfer is repeated, and Maven keeps what it has already.
	downloadTries = 3
	// progressInterval spaces the progress lines.
	progressInterval = time.Second
	// mavenOutputMax bounds how much of Maven's output an error shows.
	mavenOutputMax = 4 << 10
)

// JarSet names Java archives that are fetched together with everything they
// depend on.
type JarSet struct {
	// Name is the set's name in messages and in the cache, for example
	// "kafka-3.9.1". It must be a valid file name.
	Name string
	// Artifacts are Maven coordinates group:artifact:version.
	Artifacts []string
	// Exclusions are group:artifact pairs that are left out wherever they
	// are depended on.
	Exclusions []string
}

// Classpath is the value for java's -cp that holds the whole set. It fetches
// the set with Maven when the cache does not have it yet, writes progress to
// the given writer meanwhile (nil: nowhere), and is safe to call from any
// number of processes at once.
func (s JarSet) Classpath(ctx context.Context, progress io.Writer) (string, error) {
	dir, err := s.resolve(ctx, progress)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "*"), nil
}

func (s JarSet) resolve(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	pom, err := s.pom()
	if err != nil {
		return "", err
	}
	// The directory's name holds the content, so that a changed set is a
	// new one and older checkouts keep theirs.
	sum := sha256.Sum256(pom)
	dir := filepath.Join(cache, "jars", s.Name+"-"+hex.EncodeToString(sum[:4]))
	if isDirectory(dir) {
		return dir, nil
	}
	// One lock for all sets and caches: Maven does not expect two of its kind
	// to write into one local repository.
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("jvm: find Maven's local repository: %w", err)
	}
	unlock, err := Lock(ctx, filepath.Join(home, ".m2", "kafkacoord.lock"))
	if err != nil {
		return "", err
	}
	defer func() { _ = unlock() }()
	if isDirectory(dir) {
		return dir, nil
	}
	if err := s.download(ctx, pom, dir, progress); err != nil {
		return "", err
	}
	return dir, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// download fills dir by way of a directory beside it that is renamed at the end.
func (s JarSet) download(ctx context.Context, pom []byte, dir string, progress io.Writer) error {
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("jvm: remove the unfinished download of %s: %w", s.Name, err)
	}
	project := filepath.Join(partial, "project")
	if err := os.MkdirAll(project, 0o755); err != nil {
		return fmt.Errorf("jvm: make the download directory of %s: %w", s.Name, err)
	}
	pomFile := filepath.Join(project, "pom.xml")
	if err := os.WriteFile(pomFile, pom, 0o644); err != nil {
		return fmt.Errorf("jvm: write the Maven project of %s: %w", s.Name, err)
	}
	jars := filepath.Join(partial, "jars")
	var last error
	for range downloadTries {
		if last = s.runMaven(ctx, pomFile, jars, progress); last == nil || ctx.Err() != nil {
			break
		}
	}
	if last != nil {
		return last
	}
	if err := os.Rename(jars, dir); err != nil {
		return fmt.Errorf("jvm: put the jars of %s in place: %w", s.Name, err)
	}
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("jvm: clean up after the download of %s: %w", s.Name, err)
	}
	return nil
}

func (s JarSet) runMaven(ctx context.Context, pomFile, target string, progress io.Writer) error {
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("jvm: fetch %s: Maven is not installed (Debian: apt-get install maven): %w", s.Name, err)
	}
	java, err := Java(ctx)
	if err != nil {
		return err
	}
	// -U: a failure that Maven remembers from an earlier call is tried again.
	command := exec.CommandContext(ctx, maven, "-B", "-U", "-f", pomFile, copyGoal,
		"-DincludeScope=runtime", "-DoutputDirectory="+target)
	command.Env = append(os.Environ(), "JAVA_HOME="+filepath.Dir(filepath.Dir(java)))
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("jvm: fetch %s: %w", s.Name, err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		return fmt.Errorf("jvm: fetch %s: start Maven: %w", s.Name, err)
	}
	said := s.report(output, progress)
	if err := command.Wait(); err != nil {
		return fmt.Errorf("jvm: fetch %s with Maven (is its repository reachable?): %w; it said:\n%s", s.Name, err, said)
	}
	return nil
}

// report turns Maven's output into progress lines and returns the output's end.
func (s JarSet) report(output io.Reader, progress io.Writer) string {
	if progress == nil {
		progress = io.Discard
	}
	start := time.Now()
	_, _ = fmt.Fprintf(progress, "fetching %s with Maven (once; later runs use the cache)\n", s.Name)
	var said bytes.Buffer
	var files int
	var printed time.Time
	scanner := bufio.NewScanner(output)
	for scanner.Scan() {
		line := scanner.Text()
		said.WriteString(line)
		said.WriteByte('\n')
		if said.Len() > 2*mavenOutputMax {
			said.Next(said.Len() - mavenOutputMax)
		}
		if !strings.Contains(line, "Downloaded from") || !strings.Contains(line, ".jar (") {
			continue
		}
		files++
		if time.Since(printed) < progressInterval {
			continue
		}
		printed = time.Now()
		// Maven's line: Downloaded from central: ADDRESS/x.jar (47 kB at 1.1 MB/s)
		address, size, _ := strings.Cut(line, " (")
		size, _, _ = strings.Cut(size, " at ")
		_, _ = fmt.Fprintf(progress, "  %3d jars  %4.0f s  %s (%s)\n", files, time.Since(start).Seconds(), path.Base(address), size)
	}
	_, _ = fmt.Fprintf(progress, "  %s: %d jars downloaded in %.0f s\n", s.Name, files, time.Since(start).Seconds())
	return said.String()
}

// The parts of a Maven project file that a set needs. Source: Maven's POM
// reference, model version 4.0.0.
type pomProject struct {
	XMLName      xml.Name        `xml:"http://maven.apache.org/POM/4.0.0 project"`
	ModelVersion string          `xml:"modelVersion"`
	GroupID      string          `xml:"groupId"`
	ArtifactID   string          `xml:"artifactId"`
	Version      string          `xml:"version"`
	Packaging    string          `xml:"packaging"`
	Dependencies []pomDependency `xml:"dependencies>dependency"`
}

type pomDependency struct {
	GroupID    string         `xml:"groupId"`
	ArtifactID string         `xml:"artifactId"`
	Version    string         `xml:"version"`
	Exclusions []pomExclusion `xml:"exclusions>exclusion"`
}

type pomExclusion struct {
	GroupID    string `xml:"groupId"`
	ArtifactID string `xml:"artifactId"`
}

var errCoordinates = errors.New("want group:artifact:version, or group:artifact for an exclusion")

func (s JarSet) pom() ([]byte, error) {
	project := pomProject{ModelVersion: "4.0.0", GroupID: "kafkacoord", ArtifactID: "jars", Version: "1", Packaging: "pom"}
	var exclusions []pomExclusion
	for _, e := range s.Exclusions {
		part := strings.Split(e, ":")
		if len(part) != 2 {
			return nil, fmt.Errorf("jvm: jar set %s: exclusion %q: %w", s.Name, e, errCoordinates)
		}
		exclusions = append(exclusions, pomExclusion{GroupID: part[0], ArtifactID: part[1]})
	}
	for _, a := range s.Artifacts {
		part := strings.Split(a, ":")
		if len(part) != 3 {
			return nil, fmt.Errorf("jvm: jar set %s: artifact %q: %w", s.Name, a, errCoordinates)
		}
		project.Dependencies = append(project.Dependencies, pomDependency{
			GroupID: part[0], ArtifactID: part[1], Version: part[2], Exclusions: exclusions,
		})
	}
	pom, err := xml.MarshalIndent(project, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("jvm: write the Maven project of %s: %w", s.Name, err)
	}
	return pom, nil
}
