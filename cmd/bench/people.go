package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"portal"
)

// firstNames, stems and endings make some 80,000 names of two words; about one
// login ID in twenty begins with "ma", and every fifth person has a middle name.
var (
	firstNames = strings.Fields(`Ada Adam Aisha Alan Alice Amara Amir Ana Anders Anna Anton Aya Ben Bianca Bo Carla Carlos
		Chen Chloe Clara Daniel David Dina Ebba Edgar Elena Elias Ella Emil Emma Eva Farah Felix Fatima Finn Frida Grace
		Hana Hassan Helen Hugo Ida Igor Ines Ingrid Ivan Jana Joao Jonas Julia Kai Karin Kenji Lara Lena Leo Liam Lina Lucas
		Magda Mara Maria Mark Marta Mateo Mei Mila Mina Nadia Nils Nina Noah Nora Olga Oscar Otto Pavel Petra Priya Rafael
		Rosa Ruth Samir Sara Selma Sofia Stefan Tara Theo Tomas Uma Vera Viktor Wei Yara Yusuf Zoe`)
	stems = strings.Fields(`Ander Bach Berg Brand Carl Dahl Ek Fisch Fors Gold Grim Hag Hall Hart Holm Jensen Kauf Keller
		Klein Lang Lind Lund Mal Meyer Nord Olsen Peter Quist Rich Rosen Sand Schul Sjo Stein Strand Sund Thor Ulf Vik Wald
		Wein West Wil Wolf Zimmer`)
	endings = strings.Fields(`a au berg born dal feld gren hagen heim ides ini holt lund mann ner ov qvist sen ski son stad stein ström ton
		ville wick worth`)
)

// ofOthers is how many users each of the other customers has.
const ofOthers = 10

// other names one of the customers beside the large one.
func other(number int) portal.CustomerID { return portal.CustomerID(identifier(3, number)) }

// home is whose user the number-th person is.
func (s size) home(number int) portal.CustomerID {
	if number < s.users {
		return customer
	}
	return other((number - s.users) / ofOthers)
}

// byChance is the n-th person to sign in: a user of the large customer, next to
// none before by age or name, as chance has it. In the order in which they were
// added all would meet on the same few pages of the database.
func (s size) byChance(n int) int {
	const far = 7919 // a prime
	return 1 + n*far%(s.users-1)
}

// span is how long ago the trail begins.
const span = 2 * 365 * 24 * time.Hour

// event is the number-th event of the large customer: sign-ins by turns, and
// now and then a deletion by the administrator.
func (h *house) event(number int) portal.Event {
	person := invent(customer, number%h.users)
	e := portal.Event{
		CustomerID: customer, At: h.now.Add(-span + span/time.Duration(h.events)*time.Duration(number)), Action: portal.SignedIn, Outcome: portal.Done,
		ActorKind: portal.ActorUser, ActorID: person.ID, ActorLabel: person.LoginID, TargetID: person.ID, TargetLabel: person.LoginID, Detail: "password",
		Origin: portal.Origin{Address: "198.51.100.7", Agent: browser, RequestID: "AAAAAAAAAAAAAAAAAAAAAAAAAA"},
	}
	if number%rare == 0 {
		admin := invent(customer, 0)
		e.Action, e.ActorID, e.ActorLabel, e.Detail = portal.SetupDeleted, admin.ID, admin.LoginID, "lost phone"
	}
	return e
}

// rare is how many events there are to one deletion.
const rare = 100

// invent makes the number-th person of a customer, the same one each time: 60 of
// 100 with 2FA enabled, 5 disabled, 35 without. Number 0 is an administrator.
func invent(at portal.CustomerID, number int) portal.User {
	chance := rand.New(rand.NewPCG(2026, uint64(number)))
	first, last := pick(chance, firstNames), pick(chance, stems)+pick(chance, endings)
	name := first + " " + last
	if chance.IntN(5) == 0 {
		name = first + " " + pick(chance, firstNames) + " " + last
	}
	login := fmt.Sprintf("%s.%s%d", strings.ToLower(first), strings.ToLower(last), number)
	u := portal.User{
		ID: portal.UserID(identifier(1, number)), CustomerID: at, LoginID: login, Name: name,
		Email: login + "@northwind.example", Role: portal.RoleUser, State: portal.UserActive,
		Stored: stateOf(number), SecurityVersion: 1,
	}
	if number == 0 || at != customer && number%ofOthers == 0 {
		u.Role = portal.RoleAdministrator
	}
	return u
}

// authenticatorOf is the authenticator of the number-th person.
func authenticatorOf(number int) portal.AuthenticatorID {
	return portal.AuthenticatorID(identifier(2, number))
}

// identifier looks and sorts like a UUID of version 7.
func identifier(kind, number int) string {
	return fmt.Sprintf("0193c0de-%04x-7%03x-8%03x-%012x", number>>8&0xffff, number&0xff, kind, number*0x9e3779b1&0xffffffffffff)
}

func pick(chance *rand.Rand, from []string) string { return from[chance.IntN(len(from))] }

// stateOf spreads the 2FA states evenly over all numbers.
func stateOf(number int) portal.TwoFactorState {
	switch n := (number*37 + 99) % 100; {
	case n < 60:
		return portal.TwoFactorEnabled
	case n < 65:
		return portal.TwoFactorDisabled
	}
	return portal.TwoFactorNone
}
