Feature: Check credit
  What a customer owes for orders that have not been shipped never exceeds the credit limit.

  Background:
    Given I add customers
      | id    | credit_limit |
      | Ada   | 100          |
      | Berta | 50           |
    And I add products
      | id   | unit_price |
      | tea  | 10         |
      | lamp | 45.50      |
    And I add orders
      | id | customer |
      | A1 | Ada      |
      | A2 | Ada      |
      | B1 | Berta    |
    And I add items
      | id | order | product | quantity |
      | i1 | A1    | tea     | 3        |
      | i2 | A2    | tea     | 2        |
      | i3 | B1    | lamp    | 1        |

  Scenario: An item raises its order's total and the balance
    When I add items
      | id | order | product | quantity |
      | i4 | A1    | lamp    | 1        |
    Then items i4 has
      | unit_price | amount |
      | 45.50      | 45.50  |
    And orders A1 has
      | amount_total |
      | 75.50        |
    And customers Ada has
      | balance |
      | 95.50   |

  Scenario: An item beyond the limit is refused and leaves nothing
    When I add items
      | id | order | product | quantity |
      | i4 | A1    | lamp    | 2        |
    Then it is refused: balance (141.00) exceeds the credit limit (100.00)
    And items i4 is gone
    And orders A1 has
      | amount_total |
      | 30.00        |

  Scenario: A smaller limit than what is owed is refused
    When I change customers Ada
      | credit_limit |
      | 49.99        |
    Then it is refused: balance (50.00) exceeds the credit limit (49.99)
    When I change customers Ada
      | credit_limit |
      | 50           |
    Then customers Ada has
      | credit_limit |
      | 50.00        |

  Scenario: Shipping makes room, and taking it back needs room
    When I change orders A1
      | date_shipped |
      | 2026-05-01   |
    Then customers Ada has
      | balance |
      | 20.00   |
    When I change items i2
      | quantity |
      | 9        |
    And I change orders A1
      | date_shipped |
      | null         |
    Then it is refused: balance (120.00) exceeds the credit limit (100.00)
    And orders A1 has
      | date_shipped |
      | 2026-05-01   |
    When I change items i2
      | quantity |
      | 7        |
    And I change orders A1
      | date_shipped |
      | null         |
    Then customers Ada has
      | balance |
      | 100.00  |

  Scenario: An order moves to another customer with what is owed for it
    When I change orders B1
      | customer |
      | Ada      |
    Then customers Ada has
      | balance |
      | 95.50   |
    And customers Berta has
      | balance |
      | 0.00    |

  Scenario: An order that the new customer cannot owe stays where it is
    When I change orders A1
      | customer |
      | Berta    |
    Then it is refused: balance (75.50) exceeds the credit limit (50.00)
    And orders A1 has
      | customer |
      | Ada      |
    And customers Berta has
      | balance |
      | 45.50   |

  Scenario: An item moves to an order of another customer
    When I change items i3
      | order |
      | A2    |
    Then orders A2 has
      | amount_total |
      | 65.50        |
    And orders B1 has
      | amount_total |
      | 0.00         |
    And customers Ada has
      | balance |
      | 95.50   |

  Scenario: Another product brings its price, a new price reaches no item
    When I change products tea
      | unit_price |
      | 20         |
    Then items i1 has
      | unit_price | amount |
      | 10.00      | 30.00  |
    When I change items i1
      | product |
      | lamp    |
    Then it is refused: balance (156.50) exceeds the credit limit (100.00)
    When I change items i2
      | product | quantity |
      | lamp    | 1        |
    Then customers Ada has
      | balance |
      | 75.50   |

  Scenario: An order goes with its items and what was owed for it
    When I remove orders A1
    Then items i1 is gone
    And customers Ada has
      | balance |
      | 20.00   |
    When I remove customers Ada
    Then it is refused as still-referenced

  Scenario: A whole order comes in one request, or not at all
    When I send at once
      | do  | type   | id | with                                 |
      | add | orders | A3 | customer: Ada                        |
      | add | items  | i5 | order: A3, product: tea, quantity: 1 |
      | add | items  | i6 | order: A3, product: tea, quantity: 4 |
    Then customers Ada has
      | balance |
      | 100.00  |
    When I send at once
      | do     | type   | id | with                                 |
      | change | orders | A1 | date_shipped: 2026-05-01             |
      | add    | orders | A4 | customer: Ada                        |
      | add    | items  | i7 | order: A4, product: tea, quantity: 4 |
    Then it is refused: balance (110.00) exceeds the credit limit (100.00)
    And orders A1 has
      | date_shipped |
      | null         |

  Scenario: Two orders change places between customers
    When I send at once
      | do     | type   | id | with            |
      | change | orders | A1 | customer: Berta |
      | change | orders | B1 | customer: Ada   |
    Then customers Ada has
      | balance |
      | 65.50   |
    And customers Berta has
      | balance |
      | 30.00   |
