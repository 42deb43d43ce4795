package jvm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"kafkacoord/integration/process"
)

// javaMajor is the only Java version that everything here was tried on.
const javaMajor = "17"

// Spec says which Java program to run.
type Spec struct {
	// Name is what errors call the process.
	Name string
	// Classpath is the value of -cp, as JarSet.Classpath returns it.
	Classpath string
	// Flags go before the main class: -Xmx512m, -Dkey=value.
	Flags []string
	// Main is the class to run, Args its arguments.
	Main string
	Args []string
	// Env, Dir and LogFile are those of process.Spec.
	Env     []string
	Dir     string
	LogFile string
}

// Start runs the program on JDK 17 and returns once the process exists.
func Start(ctx context.Context, spec Spec) (*process.Process, error) {
	java, err := Java(ctx)
	if err != nil {
		return nil, err
	}
	return process.Start(process.Spec{
		Name:    spec.Name,
		Path:    java,
		Args:    slices.Concat(spec.Flags, []string{"-cp", spec.Classpath, spec.Main}, spec.Args),
		Env:     spec.Env,
		Dir:     spec.Dir,
		LogFile: spec.LogFile,
	})
}

// Output runs the program to its end and returns what it wrote to standard
// output. LogFile is not used. An exit code other than 0 is an error that holds
// the end of standard output and of standard error.
func Output(ctx context.Context, spec Spec) (string, error) {
	java, err := Java(ctx)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, java, slices.Concat(spec.Flags, []string{"-cp", spec.Classpath, spec.Main}, spec.Args)...)
	command.Dir = spec.Dir
	command.Env = append(os.Environ(), spec.Env...)
	var output, complaints bytes.Buffer
	command.Stdout = &output
	command.Stderr = &complaints
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Run(); err != nil {
		return output.String(), fmt.Errorf("jvm: run %s %s: %w; it said:\n%s%s",
			spec.Name, strings.Join(spec.Args, " "), err, tail(output.Bytes()), tail(complaints.Bytes()))
	}
	return output.String(), nil
}

func tail(output []byte) []byte {
	return output[max(0, len(output)-mavenOutputMax):]
}

var java struct {
	sync.Mutex
	path string
}

// Java is the path of a JDK 17's java: that of JAVA_HOME when it is a 17, else
// of the usual places, else of PATH.
func Java(ctx context.Context) (string, error) {
	java.Lock()
	defer java.Unlock()
	if java.path != "" {
		return java.path, nil
	}
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	installed, err := filepath.Glob("/usr/lib/jvm/*" + javaMajor + "*/bin/java")
	if err != nil {
		return "", fmt.Errorf("jvm: look for a JDK: %w", err)
	}
	candidates = append(candidates, installed...)
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	for _, candidate := range candidates {
		if majorVersion(ctx, candidate) == javaMajor {
			java.path = candidate
			return candidate, nil
		}
	}
	return "", fmt.Errorf("jvm: no JDK %s found in JAVA_HOME, /usr/lib/jvm or PATH (Debian: apt-get install openjdk-17-jdk-headless)", javaMajor)
}

// majorVersion is the text before the first dot of java's version, or "".
func majorVersion(ctx context.Context, path string) string {
	output, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return ""
	}
	_, version, found := strings.Cut(string(output), `version "`)
	if !found {
		return ""
	}
	return version[:max(0, strings.IndexAny(version, `."`))]
}
