package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/google/uuid"

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

// person is a user that the benchmark invents.
type person struct {
	portal.User
	authenticator portal.AuthenticatorID
}

// invent makes the number-th person of a customer: 60 of 100 with 2FA enabled,
// 5 disabled, 35 without. The same chance makes the same person.
func invent(chance *rand.Rand, customer portal.CustomerID, number int) (person, error) {
	first, last := pick(chance, firstNames), pick(chance, stems)+pick(chance, endings)
	name := first + " " + last
	if chance.IntN(5) == 0 {
		name = first + " " + pick(chance, firstNames) + " " + last
	}
	login := fmt.Sprintf("%s.%s%d", strings.ToLower(first), strings.ToLower(last), number)
	id, err := uuid.NewV7()
	if err != nil {
		return person{}, err
	}
	authenticator, err := uuid.NewV7()
	return person{
		User: portal.User{
			ID: portal.UserID(id.String()), CustomerID: customer, LoginID: login, Name: name,
			Email: login + "@" + "northwind.example", Role: portal.RoleUser, State: portal.UserActive, Stored: stateOf(number),
		},
		authenticator: portal.AuthenticatorID(authenticator.String()),
	}, err
}

func pick(chance *rand.Rand, from []string) string { return from[chance.IntN(len(from))] }

// stateOf spreads the 2FA states evenly over all numbers.
func stateOf(number int) portal.TwoFactorState {
	switch n := number * 37 % 100; {
	case n < 60:
		return portal.TwoFactorEnabled
	case n < 65:
		return portal.TwoFactorDisabled
	}
	return portal.TwoFactorNone
}
