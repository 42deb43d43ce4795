package oracle_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"kafkacoord/compat/oracle"
)

func TestAdhoc(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("ORACLE_SEEDS"))
	first, _ := strconv.Atoi(os.Getenv("ORACLE_FIRST"))
	minimise, _ := time.ParseDuration(os.Getenv("ORACLE_MIN"))
	r, err := oracle.Run(t.Context(), os.Getenv("ORACLE_A"), os.Getenv("ORACLE_B"), oracle.Options{Seeds: n, FirstSeed: uint64(first), Logf: t.Logf, FoundMax: 1000, MinimiseFor: minimise, QuotaEnforced: os.Getenv("ORACLE_QUOTA") != ""})
	t.Log("\n" + r.String())
	if err != nil {
		t.Fatal(err)
	}
}
