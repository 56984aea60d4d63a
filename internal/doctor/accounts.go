package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"portal"
	"portal/internal/store"
)

const (
	// batch is how many rows one statement reads.
	batch = 5000
	// enough of a kind is counted; more is said to be "or more".
	enough = 1000
	// named are as many customers as one finding names.
	named = 5
	// forgotten is how long the hourly job may leave a pending set-up behind.
	forgotten = 2 * time.Hour
)

// setups looks for those that nobody can use.
func (h *House) setups(ctx context.Context, r *Report) error {
	expired, err := h.data.ExpiredSetups(ctx, h.Now().Add(-forgotten), enough)
	if err != nil {
		return err
	}
	if expired > 0 {
		r.Found(SetupsExpired, "pending set-ups that ran out more than two hours ago: %s", atMost(expired))
	}
	r.Fine("each is somebody's")
	if h.Quick {
		return nil
	}
	var orphaned int64
	for after := portal.AuthenticatorID(""); ; {
		page, err := h.data.SetupsAfter(ctx, after, batch)
		if err != nil {
			return err
		}
		if page.Last == "" {
			break
		}
		after, orphaned = page.Last, orphaned+page.Orphaned
	}
	if orphaned > 0 {
		r.Found(SetupsOrphaned, "authenticators to which no user points: %d", orphaned)
	}
	return nil
}

// census is what there is of each customer.
type census struct {
	users map[store.Standing]int64
	able  map[portal.CustomerID]int64  // administrators who can sign in
	lost  map[portal.CustomerID]string // the login ID of one whose authenticator is gone
	wrong map[portal.CustomerID]bool   // counters
}

// accounts counts all users in one moment of the database, a batch at a time,
// and holds what it has counted against the counters.
func (h *House) accounts(ctx context.Context, r *Report) error {
	customers, err := h.data.Customers(ctx)
	if err != nil {
		return err
	}
	c := census{map[store.Standing]int64{}, map[portal.CustomerID]int64{}, map[portal.CustomerID]string{}, map[portal.CustomerID]bool{}}
	err = h.data.Snapshot(ctx, portal.NoCustomer, func(view store.View) error {
		if err := c.count(ctx, view); err != nil {
			return err
		}
		return c.compare(ctx, view)
	})
	if err != nil {
		return err
	}
	names := map[portal.CustomerID]string{portal.NoCustomer: "(operators)"}
	for _, customer := range customers {
		names[customer.ID] = customer.Name
	}
	if ids := keysOf(c.wrong); len(ids) > 0 {
		r.Found(CountsWrong, "the counters of users by role and 2FA are not what the rows say: %s", list(ids, names))
	}
	if ids := keysOf(c.lost); len(ids) > 0 {
		whose := map[portal.CustomerID]string{}
		for _, id := range ids {
			whose[id] = names[id] + ": " + c.lost[id]
		}
		r.Found(SetupsLost, "customers with users whose authenticator is gone, and one of them: %s", list(ids, whose))
	}
	administrators(r, c, customers, names)
	r.Fine("counters are right, and every customer has administrators")
	return nil
}

// count reads all users.
func (c census) count(ctx context.Context, view store.View) error {
	for customer, user := portal.CustomerID(""), portal.UserID(""); ; {
		page, err := view.TallyAfter(ctx, customer, user, batch)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, t := range page {
			c.users[t.Standing] += t.Users
			if t.Lost > 0 {
				c.lost[t.Customer] = t.LostOne
			}
			if t.Role == portal.RoleAdministrator {
				c.able[t.Customer] += t.Able
			}
			if t.Customer > customer {
				customer, user = t.Customer, ""
			}
			user = max(user, t.Last)
		}
	}
}

// compare reads all counters.
func (c census) compare(ctx context.Context, view store.View) error {
	for after := (store.Standing{}); ; {
		page, err := view.CountersAfter(ctx, after, batch)
		if err != nil {
			return err
		}
		for _, counter := range page {
			if c.users[counter.Standing] != counter.Users {
				c.wrong[counter.Customer] = true
			}
			delete(c.users, counter.Standing)
			after = counter.Standing
		}
		if len(page) < batch {
			break
		}
	}
	for uncounted := range c.users {
		c.wrong[uncounted.Customer] = true
	}
	return nil
}

// administrators looks who can help the people of each customer.
func administrators(r *Report, c census, customers []portal.Customer, names map[portal.CustomerID]string) {
	var none, single []portal.CustomerID
	for _, customer := range customers {
		switch {
		case customer.Suspended:
		case c.able[customer.ID] == 0:
			none = append(none, customer.ID)
		case c.able[customer.ID] == 1:
			single = append(single, customer.ID)
		}
	}
	if len(none) > 0 {
		r.Found(AdministratorNone, "customers without an administrator who can sign in: %s", list(none, names))
	}
	if len(single) > 0 {
		r.Found(AdministratorSingle, "customers with a single administrator who can sign in: %s", list(single, names))
	}
}

func keysOf[V any](m map[portal.CustomerID]V) (ids []portal.CustomerID) {
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// list says how many customers these are and names a few.
func list(ids []portal.CustomerID, names map[portal.CustomerID]string) string {
	var few []string
	for _, id := range ids[:min(named, len(ids))] {
		few = append(few, names[id])
	}
	if len(ids) > named {
		few = append(few, fmt.Sprintf("and %d more", len(ids)-named))
	}
	return fmt.Sprintf("%d (%s)", len(ids), strings.Join(few, ", "))
}

// atMost is a number that was counted up to enough.
func atMost(n int) string {
	if n >= enough {
		return fmt.Sprintf("%d or more", n)
	}
	return fmt.Sprint(n)
}
