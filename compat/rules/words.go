package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kafkacoord/coord/wire"
)

// rounded makes a duration short to read.
func rounded(d time.Duration) time.Duration {
	if d > time.Hour {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}

// at writes a time stamp of a server.
func at(t wire.Millis) string { return timeText(int64(t)) }

// timeText writes ms since 1970.
func timeText(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339) }

// listedMax is how many ids are written out.
const listedMax = 20

// joined writes ids as "1,2,3".
func joined(ids []int32) string {
	var b strings.Builder
	for i, id := range ids {
		if i == listedMax {
			b.WriteString(",…")
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(id)))
	}
	return b.String()
}

// perPartition writes lists as "0:[1,2] 1:[3]", "nothing" if there are none.
func perPartition(lists map[int32][]int32) string {
	var parts []string
	for i, id := range sortedPartitions(lists) {
		if i == listedMax {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%d:[%s]", id, joined(lists[id])))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, " ")
}

// Bounds of one finding.
const (
	detailBytesMax = 400
	relatedMax     = 10
)

// shorten bounds a text at the start of a character.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= detailBytesMax {
		return text
	}
	cut := detailBytesMax
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
