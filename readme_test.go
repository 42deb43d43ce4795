package kafkacoord_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"kafkacoord/compat/oracle"
	"kafkacoord/coord/config"
)

// TestReadmeListsDifferences holds README to the tables that the server and the
// differential test are built on.
func TestReadmeListsDifferences(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range oracle.Differences {
		if !strings.Contains(string(text), "- "+d.Name+"\n") {
			t.Errorf("README does not list the difference %q", d.Name)
		}
	}
	for _, d := range config.DefaultDifferences {
		row := fmt.Sprintf("| %s | %s | %s | %s |", d.Key, d.ZooKeeper, d.Ours, d.Reason)
		if !strings.Contains(string(text), row) {
			t.Errorf("README does not list the default %q", row)
		}
	}
}
