package price

import (
	"strconv"
	"strings"
)

// An Item is a part of the cost of a run: a quantity and its price. Its amount and its
// formula have the same terms, so that they cannot differ.
type Item struct {
	// Name is what is paid for.
	Name string

	// Source is where AWS publishes the price.
	Source string

	terms []term
}

// A term is one factor of an item.
type term struct {
	value float64
	unit  string
	price bool // in US dollars per unit
}

func amount(value float64, unit string) term { return term{value: value, unit: unit} }

// counted is an amount whose unit has a plural.
func counted(n int, thing string) term {
	if n != 1 {
		thing += "s"
	}
	return amount(float64(n), thing)
}

func dollars(value float64, per string) term { return term{value: value, unit: per, price: true} }

// USD returns the cost of the item in US dollars.
func (i Item) USD() float64 {
	product := 1.0
	for _, t := range i.terms {
		product *= t.value
	}
	return product
}

// Formula returns the product that gives USD, with unrounded numbers:
// "28 Regions × 10 s × 0.25 GB × $0.0000133334 per GB-s".
func (i Item) Formula() string {
	factors := make([]string, len(i.terms))
	for n, t := range i.terms {
		factors[n] = t.String()
	}
	return strings.Join(factors, " × ")
}

// String returns the term with its unit.
func (t term) String() string {
	value := strconv.FormatFloat(t.value, 'f', -1, 64)
	if t.price {
		return "$" + value + " per " + t.unit
	}
	return value + " " + t.unit
}

// Sum returns the cost of the items together in US dollars.
func Sum(items []Item) float64 {
	sum := 0.0
	for _, i := range items {
		sum += i.USD()
	}
	return sum
}
