package jvm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPomListsArtifactsWithExclusions(t *testing.T) {
	set := JarSet{Name: "set", Artifacts: []string{"g:a:1", "h:b:2"}, Exclusions: []string{"x:y"}}
	pom, err := set.pom()
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(pom)), "")
	for _, want := range []string{
		`<projectxmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>`,
		`<dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version><exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>`,
		`<dependency><groupId>h</groupId><artifactId>b</artifactId><version>2</version>`,
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("the project lacks %s:\n%s", want, pom)
		}
	}
	for _, bad := range []JarSet{{Artifacts: []string{"g:a"}}, {Exclusions: []string{"g:a:1"}}} {
		if _, err := bad.pom(); !errors.Is(err, errCoordinates) {
			t.Errorf("pom of %v = %v, want errCoordinates", bad, err)
		}
	}
}

// A real, small download: into an empty cache, and again after it was cut
// short, and then not at all.
func TestClasspathDownloadsOnceAndRedoesHalfADownload(t *testing.T) {
	t.Setenv(cacheVariable, t.TempDir())
	set := JarSet{Name: "annotations", Artifacts: []string{"org.apache.yetus:audience-annotations:0.12.0"}}
	var progress strings.Builder
	classpath, err := set.Classpath(t.Context(), &progress)
	if err != nil {
		t.Fatal(err)
	}
	jar := filepath.Join(filepath.Dir(classpath), "audience-annotations-0.12.0.jar")
	if _, err := os.Stat(jar); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(progress.String(), "fetching annotations") {
		t.Fatalf("progress = %q", progress.String())
	}

	progress.Reset()
	if _, err := set.Classpath(t.Context(), &progress); err != nil || progress.Len() > 0 {
		t.Fatalf("second call: err %v, progress %q", err, progress.String())
	}

	dir := filepath.Dir(classpath)
	if err := os.Rename(dir, dir+".partial"); err != nil {
		t.Fatal(err)
	}
	if _, err := set.Classpath(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(jar); err != nil {
		t.Fatal(err)
	}
}

func TestLockExcludesInOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("second Lock = %v, want DeadlineExceeded", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
}

func TestOutputRunsJava17(t *testing.T) {
	output, err := Output(t.Context(), Spec{Name: "java", Flags: []string{"--version"}})
	if err != nil || !strings.HasPrefix(output, "openjdk 17") && !strings.HasPrefix(output, "java 17") {
		t.Fatalf("java --version = %q, %v", output, err)
	}
	_, err = Output(t.Context(), Spec{Name: "java", Main: "no.such.Main"})
	if err == nil || !strings.Contains(err.Error(), "no.such.Main") {
		t.Fatalf("err = %v", err)
	}
}
