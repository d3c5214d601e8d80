Feature: Inventory
  What is shipped leaves the stock; what comes back is in stock again. Little stock is ordered again.

  Background:
    Given I add products
      | id   | reorder_level | units_in_stock |
      | tea  | 5             | 20             |
      | lamp | 1             | 3              |
    And I add orders
      | id |
      | A1 |
      | A2 |
    And I add items
      | id | order | product | quantity |
      | i1 | A1    | tea     | 8        |
      | i2 | A1    | lamp    | 2        |
      | i3 | A2    | tea     | 7        |

  Scenario: An order takes nothing from the stock before it ships
    Then products tea has
      | units_shipped | units_in_stock | reorder |
      | 0             | 20             | false   |

  Scenario: Shipping takes it, taking it back returns it
    When I change orders A1
      | date_shipped |
      | 2026-05-01   |
    Then products tea has
      | units_shipped | units_in_stock | reorder |
      | 8             | 12             | false   |
    And products lamp has
      | units_shipped | units_in_stock | reorder |
      | 2             | 1              | true    |
    When I change orders A1
      | date_shipped |
      | null         |
    Then products tea has
      | units_shipped | units_in_stock | reorder |
      | 0             | 20             | false   |
    And products lamp has
      | units_in_stock | reorder |
      | 3              | false   |

  Scenario: Stock at the reorder level is ordered again
    When I change orders A1
      | date_shipped |
      | 2026-05-01   |
    And I change orders A2
      | date_shipped |
      | 2026-05-02   |
    Then products tea has
      | units_in_stock | reorder |
      | 5              | true    |
    When I change products tea
      | reorder_level |
      | 4             |
    Then products tea has
      | units_in_stock | reorder |
      | 5              | false   |

  Scenario: What is not there does not ship
    When I change items i2
      | quantity |
      | 4        |
    And I change orders A1
      | date_shipped |
      | 2026-05-01   |
    Then it is refused: lamp: 3 in stock are not enough
    And products tea has
      | units_shipped | units_in_stock |
      | 0             | 20             |

  Scenario: Goods arrive
    When I change orders A1
      | date_shipped |
      | 2026-05-01   |
    And I change products lamp
      | units_in_stock |
      | 11             |
    Then products lamp has
      | units_shipped | units_in_stock | reorder |
      | 2             | 11             | false   |
    When I change items i2
      | quantity |
      | 5        |
    Then products lamp has
      | units_shipped | units_in_stock |
      | 5             | 8              |

  Scenario: An item that has been shipped turns out to be another product
    When I change orders A1
      | date_shipped |
      | 2026-05-01   |
    And I change items i2
      | product |
      | tea     |
    Then products lamp has
      | units_shipped | units_in_stock | reorder |
      | 0             | 3              | false   |
    And products tea has
      | units_shipped | units_in_stock |
      | 10            | 10             |

  Scenario: An item moves from an order that has been shipped to one that has not
    When I change orders A1
      | date_shipped |
      | 2026-05-01   |
    And I change items i1
      | order |
      | A2    |
    Then items i1 has
      | shipped |
      | false   |
    And products tea has
      | units_shipped | units_in_stock |
      | 0             | 20             |

  Scenario: An order that is removed has never taken anything
    When I change orders A1
      | date_shipped |
      | 2026-05-01   |
    And I remove orders A1
    Then products tea has
      | units_shipped | units_in_stock |
      | 0             | 20             |
