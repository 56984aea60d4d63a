package keeper

import (
	"context"
	"fmt"

	"portal"
	"portal/internal/store"
)

// Move takes everything to another database, and leaves an event there.
func Move(ctx context.Context, actor portal.Actor, c store.MoveConfig) error {
	if err := actor.Can(portal.MoveData); err != nil {
		return err
	}
	c.Done = func(tx *store.Tx, rows int64) error {
		return tx.Record(ctx, actor.Did(portal.DataMoved).With(fmt.Sprintf("%d rows, from %s", rows, c.FromName)))
	}
	return store.Move(ctx, c)
}
