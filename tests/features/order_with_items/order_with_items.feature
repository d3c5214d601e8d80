Feature: An order that has been placed keeps at least one item

  Background:
    Given I add orders
      | id |
      | A1 |
      | A2 |
    And I add items
      | id | order | quantity |
      | i1 | A1    | 1        |
      | i2 | A1    | 2        |

  Scenario: An order without items is not placed
    When I change orders A2
      | placed |
      | true   |
    Then it is refused: order A2 would have no item left
    When I add orders
      | id | placed |
      | A3 | true   |
    Then it is refused: order A3 would have no item left

  Scenario: The last item stays
    Given I change orders A1
      | placed |
      | true   |
    When I remove items i1
    And I remove items i2
    Then it is refused: order A1 would have no item left
    And orders A1 has
      | item_count |
      | 1          |

  Scenario: The last item is not moved or emptied either
    Given I change orders A1
      | placed |
      | true   |
    And I remove items i1
    When I change items i2
      | order |
      | A2    |
    Then it is refused: order A1 would have no item left
    When I change items i2
      | quantity |
      | 0        |
    Then it is refused: order A1 would have no item left

  Scenario: An order that is only a draft may be emptied
    When I remove items i1
    And I remove items i2
    Then orders A1 has
      | item_count |
      | 0          |

  Scenario: The order goes with all its items
    Given I change orders A1
      | placed |
      | true   |
    When I remove orders A1
    Then items i1 is gone
    And orders A1 is gone

  Scenario: An order is placed with its first item
    When I send at once
      | do  | type   | id | with                   |
      | add | items  | i9 | order: A9, quantity: 1 |
      | add | orders | A9 | placed: true           |
    Then orders A9 has
      | item_count | placed |
      | 1          | true   |

  Scenario: The last item is exchanged for another
    Given I change orders A1
      | placed |
      | true   |
    And I remove items i1
    When I send at once
      | do     | type  | id | with                   |
      | remove | items | i2 |                        |
      | add    | items | i3 | order: A1, quantity: 5 |
    Then items i2 is gone
    And orders A1 has
      | item_count |
      | 1          |

  Scenario: All items at once are too many
    Given I change orders A1
      | placed |
      | true   |
    When I send at once
      | do     | type  | id | with        |
      | remove | items | i1 |             |
      | change | items | i2 | quantity: 0 |
    Then it is refused: order A1 would have no item left
    And items i1 has
      | order |
      | A1    |
