package admin

import (
	"context"
	"time"

	"portal"
	"portal/internal/store"
)

// remindAtOnce is how many customers, and how many people, are read at once.
// The reminders of that many people are one transaction.
const remindAtOnce = 50

// RemindOfPolicy reminds by mail those without 2FA of whom it will be required:
// 14, 7, 3 and 1 days before, each person once at each mark. It may be cut off
// at any moment, and run by several nodes: what is said is noted in the
// transaction that puts the mail into the outbox.
func (s *Service) RemindOfPolicy(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil {
		return err
	}
	now := s.store.View(portal.NoCustomer).Now
	for after := portal.CustomerID(""); ; {
		customers, err := s.store.RequiringBetween(ctx, now, now.Add(portal.FirstReminder), after, remindAtOnce)
		if err != nil {
			return err
		}
		for _, customer := range customers {
			for _, role := range []portal.Role{portal.RoleUser, portal.RoleAdministrator, portal.RoleOperator} {
				if err := s.remindRole(ctx, actor, customer, role); err != nil {
					return err
				}
			}
			after = customer.ID
		}
		if len(customers) < remindAtOnce {
			return nil
		}
	}
}

// remindRole walks those with a role by name, and notes in the end that this
// mark is done, so that the next look costs one read.
func (s *Service) remindRole(ctx context.Context, actor portal.Actor, customer portal.Customer, role portal.Role) error {
	view := s.store.View(customer.ID)
	policy := customer.Policies.Of(role)
	mark, due := policy.Reminder(view.Now)
	if !due {
		return nil
	}
	name := "remind/" + string(customer.ID) + "/" + string(role)
	done, err := view.Mark(ctx, name)
	if err != nil || done == markOf(policy, mark) {
		return err
	}
	for after := (portal.User{}); ; {
		people, err := view.Unprotected(ctx, store.UnprotectedQuery{Role: role, After: after, Limit: remindAtOnce})
		if err != nil {
			return err
		}
		if len(people) == 0 {
			return s.store.WriteUnaudited(ctx, customer.ID, "how far the reminders are", func(tx *store.Tx) error {
				return tx.SetMark(ctx, name, markOf(policy, mark))
			})
		}
		err = s.store.WriteUnaudited(ctx, customer.ID, "reminders stand in the outbox", func(tx *store.Tx) error {
			return s.remind(ctx, tx, actor, people)
		})
		if err != nil {
			return err
		}
		after = people[len(people)-1]
	}
}

// markOf is a mark of a day as one number, another one for each mark of each day:
// the day, and in the microseconds, which a day does not have, how many are left.
func markOf(policy portal.Policy, mark time.Time) int64 {
	return policy.From.UnixMicro() + int64(policy.From.Sub(mark)/(24*time.Hour))
}

// remind writes to those who still are to be reminded, under the policy as it
// stands in this transaction.
func (s *Service) remind(ctx context.Context, tx *store.Tx, actor portal.Actor, people []portal.User) error {
	customer, err := tx.Customer(ctx)
	if err != nil {
		return err
	}
	for _, person := range people {
		policy := customer.Policies.Of(person.Role)
		mark, due := policy.Reminder(tx.Now)
		if !due {
			return nil
		}
		first, err := tx.Remind(ctx, person.ID, policy.From, mark)
		if err != nil {
			return err
		}
		if !first {
			continue
		}
		letter := portal.Letter{Kind: portal.MailPolicyReminder, Until: policy.From, Left: policy.DaysLeft(tx.Now)}
		if err := s.auth.Tell(ctx, tx, actor, person, letter); err != nil {
			return err
		}
	}
	return nil
}
