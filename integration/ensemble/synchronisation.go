package ensemble

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"kafkacoord/coord/wire"
)

// What a Java leader and a Java learner log of each way to bring the learner in
// line (ZooKeeper: LearnerHandler.java syncFollower, Learner.java syncWithLeader).
// A leader tells of a TRUNC at level DEBUG only: of that it logs no more than that
// it begins, and the learner's word has to do.
var (
	javaGives = map[wire.PacketType]string{
		wire.PacketDiff: `Sending DIFF zxid=`, wire.PacketTrunc: `Synchronizing with (Follower|Learner) sid: `,
		wire.PacketSnap: `Sending snapshot last zxid of peer is `,
	}
	javaTakes = map[wire.PacketType]string{
		wire.PacketDiff: `Getting a diff from the leader `, wire.PacketTrunc: `Truncating log to get in sync with the leader `,
		wire.PacketSnap: `Getting a snapshot from leader `,
	}
)

// AwaitSynchronisation waits until the logs of both sides say, since the marks,
// that the leader brought the learner in line by DIFF, TRUNC or SNAP.
func AwaitSynchronisation(ctx context.Context, by wire.PacketType, leader *Member, leaderMark Mark, learner *Member, learnerMark Mark) error {
	gives := javaGives[by]
	if leader.Kind() == Coord {
		gives = fmt.Sprintf(`"a learner is brought in line" learner=%d by=%v `, learner.ID, by)
	}
	takes := javaTakes[by]
	if learner.Kind() == Coord {
		takes = fmt.Sprintf(`"the leader brings this server in line" leader=%d by=%v `, leader.ID, by)
	}
	if err := leader.AwaitLog(ctx, leaderMark, gives); err != nil {
		return fmt.Errorf("%w; all it did: %s", err, leader.synchronisations(leaderMark))
	}
	if err := learner.AwaitLog(ctx, learnerMark, takes); err != nil {
		return fmt.Errorf("%w; all it did: %s", err, learner.synchronisations(learnerMark))
	}
	return nil
}

var anySynchronisation = regexp.MustCompile(`Sending (DIFF|TRUNC|snapshot)|Getting a |Truncating log|Cannot send TRUNC|Synchronizing with|in line`)

// synchronisations are the lines of the log that tell of any.
func (m *Member) synchronisations(mark Mark) string {
	logged, err := m.LogSince(mark)
	if err != nil {
		return err.Error()
	}
	var found []string
	for line := range strings.Lines(logged) {
		if anySynchronisation.MatchString(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return strings.Join(found, "\n")
}
